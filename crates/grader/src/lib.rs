//! Grades a timeline against a rubric. Pure: the same journal gives the same bytes.
