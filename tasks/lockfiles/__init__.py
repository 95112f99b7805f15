"""Lockfiles and SBOMs read into packages: `registry` is the way in, every format is one small file beside it."""
