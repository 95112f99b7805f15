"""GitHub: an organisation's repositories, trees and files, in as few requests as possible."""
