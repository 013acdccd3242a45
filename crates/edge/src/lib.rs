//! The fault proxy that every call between two parts of the shop passes. Its control API is Toxiproxy's.
