"""The IOC scan: which repositories of an organisation hold a package known to be malicious."""
