//! Go's time layouts, which are written as an example of the moment 2006-01-02 15:04:05 -0700.
