#pragma once

namespace vws {

// Fast paths that can be switched off at run time, so that the tests can run with and without each.
// The environment variable VERAWEBSOCKETS_DISABLE holds a list of names, separated by commas or
// spaces. Unknown names are ignored. scripts/test-switches.js runs the tests with each switched off.
struct Tuning {
  bool simd = true;      // "simd": vector code in mask and utf8
  bool direct = true;    // "direct": receiving large payloads straight into the message's own block
  bool coalesce = true;  // "coalesce": frames of a burst joined into one write
  bool batch = true;     // "batch": records of several events handed to JavaScript in one crossing
  bool inline_writes = true;  // "inline": light turns, and small writes, on the consumer's thread
  bool gather = true;         // "gather": several TLS records to one system call, both ways
  bool external = true;       // "external": large messages' memory becomes the ArrayBuffer's
  bool guess = true;    // "guess": the one socket that speaks is read without asking which it is
  bool strings = true;  // "strings": texts made of Latin-1 or UTF-16 instead of UTF-8
};

// Parses such a list; null is the empty list.
Tuning parse_tuning(const char* disabled);

// The process's settings, read from the environment at first use. Any thread.
const Tuning& tuning();

}  // namespace vws
