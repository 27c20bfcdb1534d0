#!/bin/sh
# The compiler for our own code, with counters.
exec "$@" -C instrument-coverage
