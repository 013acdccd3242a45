//! Injects faults through public APIs, with leases, a journal and a verified undo.
