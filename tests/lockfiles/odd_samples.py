"""Small lockfiles with what each format's own documents allow and few files hold."""

import json
from typing import Any


def lock(**value: Any) -> str:
    return json.dumps(value)


PACKAGES = lock(
    lockfileVersion=3,
    packages={
        "": {"name": "app", "version": "1.0.0"},
        "node_modules/alias": {"name": "@real/one", "version": "1.2.3"},
        "node_modules/a/node_modules/@scope/deep": {"version": "2.0.0"},
        "node_modules/linked": {"resolved": "packages/linked", "link": True},
        "node_modules/from-git": {"version": "git+ssh://git@github.com/x/y.git#abc"},
        "node_modules/no-version": {},
    },
)
DEPENDENCIES = lock(
    lockfileVersion=1,
    dependencies={
        "a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}, "a": {"version": "0.9.0"}}},
        "alias": {"version": "npm:@real/one@1.2.3"},
        "plain-alias": {"version": "npm:real@4.0.0-rc.1"},
        "folder": {"version": "file:../folder"},
        "archive": {"version": "https://example.org/archive.tgz"},
    },
)
BERRY = """\
__metadata:
  version: 8
  cacheKey: 10c0

"alias@npm:real@^1.0.0, real@npm:^1.0.0":
  version: 1.0.5
  resolution: "real@npm:1.0.5"
  languageName: node
  linkType: hard

"typescript@patch:typescript@npm%3A^5.0.0#optional!builtin<compat/typescript>":
  version: 5.0.4
  resolution: "typescript@patch:typescript@npm%3A5.0.4#optional!builtin<compat/typescript>::version=5.0.4&hash=b5f058"
  languageName: node

"@scope/ours@workspace:packages/ours":
  version: 0.0.0-use.local
  resolution: "@scope/ours@workspace:packages/ours"

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."

"@scope/git@https://github.com/scope/git.git#commit=abc":
  version: 3.0.0
  resolution: "@scope/git@https://github.com/scope/git.git#commit=abc"
"""
CLASSIC = """\
# yarn lockfile v1


"@scope/one@^1.0.0", "@scope/one@^1.2.0":
  version "1.2.3"
  resolved "https://registry.yarnpkg.com/@scope/one/-/one-1.2.3.tgz#abc"
  dependencies:
    version "^9.9.9"

alias@npm:real@^2.0.0:
  version "2.1.0"

scoped-alias@npm:@real/two@2:
  version "2.0.1"
"""
PNPM_9 = """\
lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      alias: {specifier: 'npm:real@1', version: real@1.0.0}
packages:
  '@scope/one@1.2.3':
    resolution: {integrity: sha512-x}
  real@1.0.0(peer@2.0.0)(@types/node@20.1.0): {}
  ours@file:packages/ours: {resolution: {directory: packages/ours, type: directory}}
  tar@https://codeload.github.com/x/tar/tar.gz/abc: {version: 4.0.0}
  '3d@0.1.0': {}
snapshots:
  real@1.0.0(peer@2.0.0): {}
"""
PNPM_6 = """\
lockfileVersion: '6.0'
packages:
  /@scope/one@1.2.3(react@18.0.0):
    dev: false
  /real@1.0.0-beta.1:
    dev: true
  link:../ours: {}
  file:packages/ours:
    name: ours
    version: 1.0.0
  github.com/x/y/abc:
    name: y
    version: 3.0.0
"""
PNPM_5 = """\
lockfileVersion: 5.4
packages:
  /@scope/one/1.2.3_react@18.0.0:
    dev: false
  /real/1.0.0_peer@2.0.0+other@3.0.0: {}
  registry.example.org/own/4.0.0: {}
"""
BUN = """\
{ // made by bun
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "app" } },
  "packages": {
    "alias": ["@real/one@1.2.3", "", {}, "sha512-x"],
    "one/two": ["two@2.0.0", "", { "bin": { "two": "a,]b" } }, "sha512-y"],
    "ours": ["ours@workspace:packages/ours"],
    "git": ["git@github:x/git#abc", {}, "x-git-abc"], /* last */
  },
}
"""
REQUIREMENTS = """\
-i https://example.org/simple
--extra-index-url=mirror/other
-c constraints.txt
-r more.txt
-e git+https://github.com/x/y.git@abc#egg=edited
Flask[async,dotenv] == 2.0.1 ; python_version >= "3.8"  # why
zope.interface===5.4.0
hashed==1.0 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
direct @ https://example.org/direct-1.0-py3-none-any.whl
wild==1.*
two>=1,<2
paren (==3.0)
./local-1.0.tar.gz
"""
POETRY = """\
[[package]]
name = "one"
version = "1.0.0"
optional = false

[[package]]
name = "from-git"
version = "0.1.0"
[package.source]
type = "git"
url = "https://github.com/x/y.git"

[metadata]
lock-version = "2.1"
"""
UV = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
source = { virtual = "." }

[[package]]
name = "one"
version = "1.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "from-git"
version = "0.2.0"
source = { git = "https://github.com/x/y?rev=abc#abc" }

[[package]]
name = "dynamic"
source = { editable = "packages/dynamic" }
"""
PYLOCK = """\
lock-version = "1.0"
created-by = "pip"

[[packages]]
name = "one"
version = "1.0.0"

[[packages]]
name = "folder"
directory = { path = "." }
"""
GEMS = """\
GIT
  remote: https://github.com/x/y.git
  revision: abc
  specs:
    from-git (1.0.0)
      rack (>= 1)

PATH
  remote: engines/own
  specs:
    own (0.1.0)

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.15.0-x86_64-linux)
      racc (~> 1.4)
    nokogiri (1.15.0)
    rack (3.0.0.beta1)

PLATFORMS
  ruby
  x86_64-linux

DEPENDENCIES
  rack

BUNDLED WITH
   2.4.10
"""
COMPOSER = json.dumps(
    {
        "content-hash": "x",
        "packages": [{"name": "a/b", "version": "v1.0.0"}, {"name": "c/d", "version": "dev-main"}],
        "packages-dev": [{"name": "e/f", "version": "2.0"}],
    }
)
GO = """\
module example.org/app // the app

go 1.21
toolchain go1.21.4

require example.org/single v1.0.0
require (
\texample.org/one v1.2.3 // indirect
\t"example.org/quoted" v0.1.0
\texample.org/old v1.0.0
\texample.org/folder v1.0.0
\texample.org/big/v2 v2.0.0+incompatible
)
replace (
\texample.org/old v1.0.0 => example.org/new v1.5.0
\texample.org/folder => ../folder
\texample.org/one v9.9.9 => example.org/never v1.0.0
)
exclude example.org/single v1.1.0
retract [v1.0.0, v1.2.0] // bad
"""
CARGO = """\
version = 4

[[package]]
name = "app"
version = "0.1.0"

[[package]]
name = "one"
version = "1.0.0+build.1"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "one"
version = "2.0.0"
source = "git+https://github.com/x/one#abc"
"""
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>7</version></parent>
  <artifactId>app</artifactId>
  <properties><lib.version>1.${minor}</lib.version><minor>2</minor></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>g</groupId><artifactId>managed</artifactId><version>3.0</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>g</groupId><artifactId>lib</artifactId><version>${lib.version}</version></dependency>
    <dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version></dependency>
    <dependency><groupId>g</groupId><artifactId>ranged</artifactId><version>[1.0,2.0)</version></dependency>
    <dependency><groupId>g</groupId><artifactId>hidden</artifactId><version>${nowhere}</version></dependency>
  </dependencies>
</project>
"""
NUGET = lock(
    version=2,
    dependencies={
        "net8.0": {
            "One": {"type": "Direct", "requested": "[1.0.0, )", "resolved": "1.0.0"},
            "Two": {"type": "CentralTransitive", "resolved": "2.0.0"},
            "ours": {"type": "Project"},
        },
        "net8.0/linux-x64": {"One": {"type": "Direct", "resolved": "1.0.1"}},
    },
)
PUB = """\
packages:
  one:
    dependency: "direct main"
    description: {name: one, url: "https://pub.dev"}
    source: hosted
    version: "1.0.0+3"
  from_git:
    source: git
    version: "0.1.0"
sdks:
  dart: ">=3.0.0 <4.0.0"
"""
MIX = """\
%{
  "one": {:hex, :one, "1.0.0", "hash", [:mix], [{:two, "~> 1.0", [hex: :two, optional: false]}], "hexpm", "x"},
  "renamed": {:hex, :real, "2.0.0", "hash", [:rebar3], [], "hexpm", "x"},
  "from_git": {:git, "https://github.com/x/y.git", "abc", []},
}
"""
CONAN_1 = lock(
    version="0.4",
    graph_lock={
        "nodes": {
            "0": {"ref": "app/1.0", "path": "conanfile.txt"},
            "1": {"ref": "zlib/1.2.11#abc", "options": ""},
            "2": {"pref": "own/0.1@user/channel#a:b#c"},
        }
    },
)
CONAN_2 = lock(
    version="0.5", requires=["zlib/1.2.13#abc%1675.1"], build_requires=["cmake/3.25.3#x"], python_requires=["tool/1.0"]
)
RENV = lock(
    R={"Version": "4.3.0"},
    Packages={
        "one": {"Package": "one", "Version": "1.0-2", "Source": "Repository", "Repository": "CRAN"},
        "mirrored": {"Package": "mirrored", "Version": "2.0", "Source": "Repository", "Repository": "RSPM"},
        "hub": {"Package": "hub", "Version": "0.1", "Source": "GitHub", "RemoteType": "github"},
    },
)
SWIFT_1 = lock(
    version=1,
    object={
        "pins": [{"package": "One", "repositoryURL": "https://github.com/x/one.git", "state": {"version": "1.0.0"}}]
    },
)
SWIFT_3 = lock(
    version=3,
    originHash="x",
    pins=[
        {"identity": "one", "location": "git@github.com:x/one.git", "state": {"revision": "a", "version": "1.0.0"}},
        {"identity": "two", "location": "https://github.com/x/two", "state": {"revision": "a", "branch": "main"}},
    ],
)
PODS = """\
PODS:
  - One/Core (1.0.0):
    - Two (~> 2)
  - Two (2.0.1)
DEPENDENCIES:
  - One/Core (from `https://github.com/x/one.git`)
PODFILE CHECKSUM: abc
COCOAPODS: 1.12.0
"""
CABAL = """\
active-repositories: hackage.haskell.org:merge
constraints: any.aeson ==2.1.0.0,
             aeson +ordered-keymap,
             -- any.commented ==9.9,
             any.base ==4.17.0.0
index-state: hackage.haskell.org 2023-01-01T00:00:00Z
"""
CYCLONEDX = lock(
    bomFormat="CycloneDX",
    specVersion="1.6",
    components=[
        {
            "name": "one",
            "version": "1.0.0",
            "purl": "pkg:npm/%40scope/one@1.0.0?x=y#sub",
            "components": [{"type": "library", "name": "deep", "purl": "pkg:pypi/deep@2.0"}],
        },
        {"name": "jar", "purl": "pkg:maven/org.example/jar@3.0?type=jar"},
        {"name": "mod", "purl": "pkg:golang/github.com/X/mod@v4.0.0"},
    ],
)
CYCLONEDX_XML = """\
<?xml version="1.0"?>
<b:bom xmlns:b="http://cyclonedx.org/schema/bom/1.2" version="1"><b:components>
  <b:component type="library"><b:name>one</b:name><b:version>1.0</b:version><b:purl>pkg:gem/one@1.0</b:purl>
    <b:components>
      <b:component type="library"><b:name>deep</b:name><b:purl>pkg:nuget/Deep@2.0</b:purl></b:component>
    </b:components>
  </b:component></b:components></b:bom>
"""
SPDX_PACKAGES = [
    {
        "name": "one",
        "versionInfo": "1.0.0",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/one@1.0.0"}
        ],
    },
    {"name": "nothing known", "versionInfo": "NOASSERTION"},
]
SPDX_TAGS = """\
SPDXVersion: SPDX-2.2
PackageName: one
PackageVersion: 1.0.0
PackageComment: <text>
PackageName: not a package
</text>
ExternalRef: PACKAGE-MANAGER purl pkg:npm/one@1.0.0
PackageName: two
ExternalRef: PACKAGE_MANAGER purl pkg:pypi/two@2.0
"""
