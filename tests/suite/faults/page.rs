//! The page that lists the faults.
