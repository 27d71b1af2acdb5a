#pragma once

namespace vws {

// Fast paths that can be switched off at run time, so that the tests can run with and without each.
// The environment variable VERAWEBSOCKETS_DISABLE holds a list of names, separated by commas or
// spaces. Unknown names are ignored.
struct Tuning {
  bool simd = true;      // "simd": vector code in mask and utf8
  bool direct = true;    // "direct": receiving large payloads straight into the message's own block
  bool coalesce = true;  // "coalesce": frames of a burst joined into one write
  bool batch = true;     // "batch": records of several events handed to JavaScript in one crossing
};

// Parses such a list; null is the empty list.
Tuning parse_tuning(const char* disabled);

// The process's settings, read from the environment at first use. Any thread.
const Tuning& tuning();

}  // namespace vws
