//! Tests of names, links to them and anchors.
