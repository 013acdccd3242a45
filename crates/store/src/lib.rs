//! A small Mimir, Loki and Tempo for one machine: same paths, same JSON, same errors.
