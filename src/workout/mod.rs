//! What the athlete does, from poses alone. Pure: time is an argument, and nothing here reads a clock, a frame, a file
//! or a device, so that four hours of training are tested in a second.
