#pragma once

#include <cstddef>
#include <cstdint>

namespace vws {

enum class Utf8Class : uint8_t { kAscii, kUtf8, kInvalid };

// Judges a whole text. Any thread, as everything here.
Utf8Class classify_utf8(const uint8_t* data, size_t n);
Utf8Class classify_utf8_scalar(const uint8_t* data, size_t n);

// Whether vector instructions are used: where there are some, unless they are switched off (tuning.h).
bool utf8_uses_vectors();

bool is_ascii(const uint8_t* data, size_t n);

// Judges a text that arrives in pieces: UTF-8 of RFC 3629, neither overlong forms nor surrogates
// nor anything above U+10FFFF.
class Utf8Validator {
 public:
  // False as soon as the bytes so far are not the beginning of any valid text; feed nothing more
  // then.
  bool feed(const uint8_t* data, size_t n);
  // Whether the text may end here, that is, not inside a character.
  bool complete() const { return state_ == 0; }
  // Whether all bytes so far were ASCII.
  bool ascii() const { return ascii_; }
  void reset() {
    state_ = 0;
    ascii_ = true;
  }

 private:
  uint8_t state_ = 0;  // of the automaton in utf8.cc; 0: between characters
  bool ascii_ = true;
};

// Converts valid UTF-8; out must have room for n units (no text needs more). Returns the units
// written.
size_t utf8_to_utf16(const uint8_t* data, size_t n, char16_t* out);

}  // namespace vws
