//! Scraping: each target at its own moment of the interval, no target delays another.
