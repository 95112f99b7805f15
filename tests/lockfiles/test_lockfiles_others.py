"""Ruby, PHP, Go, Java, .NET, Dart, Elixir, C++, R, Haskell, Swift and CocoaPods."""

import json

import pytest

from tasks.lockfiles.registry import parse_lockfile, siblings_of
from tests.lockfiles.lock_samples import pairs


def test_gemfile_lock_takes_sources_only_and_drops_platforms() -> None:
    text = """GIT
  remote: https://example.org/g.git
  revision: abc
  specs:
    from-git (1.0.0.alpha1)
      rack (~> 2.0)

PATH
  remote: .
  specs:
    own (0.1.0)

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.13.3-x86_64-linux)
    nokogiri (1.13.3)
      racc (~> 1.4)
    rack (2.2.3)

DEPENDENCIES
    odd (9.9)
  own!

BUNDLED WITH
   2.2.28
"""
    expected = ["from-git@1.0.0.alpha1", "nokogiri@1.13.3", "own@0.1.0", "rack@2.2.3"]
    assert pairs("Gemfile.lock", text) == expected
    assert pairs("gems.locked", text.replace("\n", "\r\n")) == expected


def test_composer_lock_reads_both_lists() -> None:
    text = json.dumps(
        {"packages": [{"name": "a/b", "version": "v1.0"}], "packages-dev": [{"name": "c/d", "version": "dev-main"}]}
    )
    assert pairs("composer.lock", text) == ["a/b@v1.0", "c/d@dev-main"]
    assert pairs("composer.lock", '{"packages": null}') == []


GO_MOD = """module example.org/own // "quoted"
go 1.21
toolchain go1.21.3
require example.org/one v1.0.0
require (
  "example.org/two" v2.0.0+incompatible // indirect
  example.org/three v3.0.0
  example.org/four v4.0.0
  example.org/five v5.0.0
)
exclude example.org/six v6.0.0
replace example.org/three => example.org/fork v3.1.0
replace (
  example.org/four v4.0.0 => ./local
  example.org/five v9.9.9 => example.org/never v1.0.0
)
retract [v0.1.0, v0.2.0]
"""


def test_go_mod_follows_what_is_replaced() -> None:
    expected = [
        "example.org/five@5.0.0",
        "example.org/fork@3.1.0",
        "example.org/one@1.0.0",
        "example.org/two@2.0.0+incompatible",
    ]
    assert pairs("go.mod", GO_MOD) == expected


def test_go_sum_counts_below_go_1_17_only() -> None:
    sums = {"m/go.sum": "example.org/deep v0.1.0 h1:x=\nexample.org/deep v0.1.0/go.mod h1:y=\n"}
    assert siblings_of("m/go.mod") == siblings_of("m/go.mod", b"go 1.16") == ("m/go.sum",)
    assert siblings_of("m/go.mod", b"go 1.17") == siblings_of("m/go.mod", b"not a go.mod") == ()
    assert pairs("m/go.mod", "go 1.16\nrequire example.org/a v1.0.0\n", sums) == [
        "example.org/a@1.0.0",
        "example.org/deep@0.1.0",
    ]
    assert pairs("m/go.mod", "go 1.17\nrequire example.org/a v1.0.0\n", sums) == ["example.org/a@1.0.0"]


POM = """<?xml version="1.0" encoding="ISO-8859-1"?><project xmlns="http://maven.apache.org/POM/4.0.0">
 <parent><groupId>g</groupId><artifactId>p</artifactId><version>7</version></parent>
 <artifactId>own</artifactId>
 <properties><v.one>1.0</v.one><nested>${v.one}.1</nested><round>${round}</round></properties>
 <dependencyManagement><dependencies>
  <dependency><groupId>m</groupId><artifactId>managed</artifactId><version>${nested}</version></dependency>
  <dependency><groupId>m</groupId><artifactId>unused</artifactId><version>1</version></dependency>
 </dependencies></dependencyManagement>
 <dependencies>
  <dependency><groupId>a</groupId><artifactId>${missing}</artifactId><version>1</version></dependency>
  <dependency><groupId>a</groupId><artifactId>one</artifactId><version>${v.one}</version><scope>test</scope></dependency>
  <dependency><groupId>m</groupId><artifactId>managed</artifactId></dependency>
  <dependency><groupId>${project.groupId}</groupId><artifactId>sibling</artifactId><version>${project.version}</version></dependency>
  <dependency><groupId>a</groupId><artifactId>range</artifactId><version>[2.0,3.0)</version></dependency>
  <dependency><groupId>a</groupId><artifactId>round</artifactId><version>${round}</version></dependency>
  <dependency><groupId>a</groupId><artifactId>twice</artifactId><version>1</version></dependency>
  <dependency><groupId>a</groupId><artifactId>twice</artifactId><version>2</version></dependency>
  <dependency><groupId>p</groupId><artifactId>by-parent</artifactId></dependency>
 </dependencies>
 <profiles><profile><dependencies>
  <dependency><groupId>a</groupId><artifactId>one</artifactId><version>1.9</version></dependency>
 </dependencies></profile></profiles></project>"""
PARENT = """<project><properties><v.one>0.0</v.one><w>8.8</w></properties>
 <dependencyManagement><dependencies>
  <dependency><groupId>p</groupId><artifactId>by-parent</artifactId><version>${w}</version></dependency>
 </dependencies></dependencyManagement>
 <dependencies><dependency><groupId>p</groupId><artifactId>inherited</artifactId><version>${v.one}</version></dependency></dependencies>
</project>"""


def test_pom_fills_properties_and_managed_versions() -> None:
    alone = ["a:one@1.0", "a:one@1.9", "a:range@2.0", "a:round@None", "a:twice@2", "g:sibling@7", "m:managed@1.0.1"]
    assert pairs("mod/pom.xml", POM) == sorted([*alone, "p:by-parent@None"])
    assert siblings_of("mod/pom.xml", POM.encode()) == ("pom.xml",)
    with_parent = pairs("mod/pom.xml", POM, {"pom.xml": PARENT})
    assert with_parent == sorted([*alone, "p:by-parent@8.8", "p:inherited@1.0"])


def test_gradle_lockfile_and_verification_metadata() -> None:
    locked = "# comment\ng:a:1.0=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n"
    assert pairs("gradle.lockfile", locked) == ["g:a@1.0"]
    component = '<component name="a" version="1" group="g"/>'
    verified = f"<verification-metadata><components>{component}</components></verification-metadata>"
    assert pairs("gradle/verification-metadata.xml", verified) == ["g:a@1"]


def test_nuget() -> None:
    frameworks = {
        "net6.0": {"A.B": {"type": "Direct", "resolved": "1.0"}, "own": {"type": "Project"}},
        "net8.0": {"C": {"resolved": "2.0"}},
    }
    assert pairs("packages.lock.json", json.dumps({"version": 2, "dependencies": frameworks})) == ["A.B@1.0", "C@2.0"]
    assert pairs("packages.config", '<packages><package id="A" version="1.0" /></packages>') == ["A@1.0"]


def test_pub_mix_renv_and_cabal() -> None:
    assert pairs(
        "pubspec.lock", 'packages:\n  a:\n    source: hosted\n    version: "1.10"\nsdks:\n  dart: ">=2"\n'
    ) == ["a@1.10"]
    mix = """%{
  "a": {:hex, :a, "1.0.0", "hash", [:mix], []},
  "b": {:hex, :real_b, "2.0.0", "h", [:mix]},
  "g": {:git, "https://e/g.git", "abc", []},
}
"""
    assert pairs("mix.lock", mix) == ["a@1.0.0", "g@None", "real_b@2.0.0"]
    renv = {
        "Packages": {
            "a": {"Package": "a", "Version": "1.0", "Repository": "CRAN"},
            "b": {"Package": "b", "Version": "2", "Source": "GitHub"},
        }
    }
    assert pairs("renv.lock", json.dumps(renv)) == ["a@1.0"]
    cabal = """active-repositories: hackage
constraints: any.a ==1.0,
             any.b-c ==2.0.1,
             b-c +flag
-- any.no ==1
"""
    assert pairs("cabal.project.freeze", cabal) == ["a@1.0", "b-c@2.0.1"]


def test_conan_of_both_generations() -> None:
    nodes = {
        "0": {"ref": "own/1.0", "path": "conanfile.py"},
        "1": {"ref": "a/1.0@user/chan#rev"},
        "2": {"pref": "b/2.0#rev:pkg#prev"},
    }
    assert pairs("conan.lock", json.dumps({"graph_lock": {"nodes": nodes}})) == ["a@1.0", "b@2.0"]
    second = {
        "version": "0.5",
        "requires": ["a/1.0#rev%12.3", "1.2.3#rev"],
        "build_requires": ["b/2.0"],
        "python_requires": ["c/3.0"],
    }
    assert pairs("conan.lock", json.dumps(second)) == ["a@1.0", "b@2.0", "c@3.0"]


@pytest.mark.parametrize(
    "location",
    [
        "https://github.com/apple/swift-nio.git",
        "git@github.com:apple/swift-nio.git",
        "ssh://git@github.com/apple/swift-nio",
    ],
)
def test_swift_pins_are_named_by_address(location: str) -> None:
    pin = {"identity": "swift-nio", "location": location, "state": {"version": "2.0.0"}}
    (package,) = parse_lockfile("Package.resolved", json.dumps({"pins": [pin], "version": 2}).encode())
    assert (package.ecosystem, package.name, package.version, package.shown_name) == (
        "SwiftURL", "github.com/apple/swift-nio", "2.0.0", "swift-nio"
    )  # fmt: skip
    old = {"package": "NIO", "repositoryURL": location, "state": {"branch": "main", "version": None}}
    assert pairs("Package.resolved", json.dumps({"object": {"pins": [old]}, "version": 1})) == [
        "github.com/apple/swift-nio@None"
    ]


def test_a_subspec_is_its_pod() -> None:
    text = (
        "PODS:\n  - Firebase/Core (1.2.3):\n    - Firebase/Sub (= 1.2.3)\n  - Plain (2.0)\nDEPENDENCIES:\n  - Plain\n"
    )
    packages = parse_lockfile("Podfile.lock", text.encode())
    assert [(one.name, one.version, one.shown_name) for one in packages] == [
        ("Firebase", "1.2.3", "Firebase/Core"),
        ("Plain", "2.0", "Plain"),
    ]
