//! Tests of the network over a store in memory.
