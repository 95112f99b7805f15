"""One package reviewed: verdicts, words, recommendation."""
