//! Reads authored YAML (scenarios, matrix, suites) into the model, with every error at its place.
