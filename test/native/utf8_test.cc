#include "engine/ws/utf8.h"
#include "engine/ws/tuning.h"

#include <algorithm>
#include <string>
#include <vector>

#include "harness.h"

using vws::Utf8Class;
using vws::Utf8Validator;
using Bytes = std::vector<uint8_t>;

namespace {

// The well-formed sequences of RFC 3629 §4, decoded one by one: how many bytes a character at i
// takes, 0 if none does; *point is set.
size_t character(const Bytes& in, size_t i, uint32_t* point) {
  const auto at = [&](size_t k) { return i + k < in.size() ? in[i + k] : 0u; };
  const auto tail = [&](size_t k) { return (at(k) & 0xc0) == 0x80; };
  const uint32_t a = in[i];
  if (a < 0x80) {
    *point = a;
    return 1;
  }
  if (a >= 0xc0 && a < 0xe0 && tail(1)) {
    *point = (a & 0x1f) << 6 | (at(1) & 0x3f);
    return *point >= 0x80 ? 2 : 0;
  }
  if (a >= 0xe0 && a < 0xf0 && tail(1) && tail(2)) {
    *point = (a & 0x0f) << 12 | (at(1) & 0x3f) << 6 | (at(2) & 0x3f);
    return *point >= 0x800 && (*point < 0xd800 || *point > 0xdfff) ? 3 : 0;
  }
  if (a >= 0xf0 && a < 0xf8 && tail(1) && tail(2) && tail(3)) {
    *point = (a & 0x07) << 18 | (at(1) & 0x3f) << 12 | (at(2) & 0x3f) << 6 | (at(3) & 0x3f);
    return *point >= 0x10000 && *point <= 0x10ffff ? 4 : 0;
  }
  return 0;
}

bool valid(const Bytes& in) {
  uint32_t point = 0;
  for (size_t i = 0; i < in.size();) {
    const size_t n = character(in, i, &point);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

Utf8Class reference(const Bytes& in) {
  if (!valid(in)) return Utf8Class::kInvalid;
  const bool ascii = std::all_of(in.begin(), in.end(), [](uint8_t b) { return b < 0x80; });
  return ascii ? Utf8Class::kAscii : Utf8Class::kUtf8;
}

// Whether some valid text begins with in: some end completes it. Only the last character matters.
bool could_be_valid(const Bytes& in) {
  static const Bytes kEnds[] = {{},
                                {0x80},
                                {0x90},
                                {0xa0},
                                {0x80, 0x80},
                                {0x90, 0x80},
                                {0xa0, 0x80},
                                {0x80, 0x80, 0x80},
                                {0x90, 0x80, 0x80}};
  for (const Bytes& end : kEnds) {
    Bytes whole = in;
    whole.insert(whole.end(), end.begin(), end.end());
    if (valid(whole)) return true;
  }
  return false;
}

void check(const Bytes& in) {
  const Utf8Class want = reference(in);
  CHECK_EQ(vws::classify_utf8(in.data(), in.size()), want);
  CHECK_EQ(vws::classify_utf8_scalar(in.data(), in.size()), want);
  CHECK_EQ(vws::is_ascii(in.data(), in.size()), want == Utf8Class::kAscii);
  Utf8Validator whole;
  const bool fed = whole.feed(in.data(), in.size());
  CHECK_EQ(fed && whole.complete(), want != Utf8Class::kInvalid);
  if (fed) CHECK_EQ(whole.ascii(), want == Utf8Class::kAscii || in.empty());
}

// Byte by byte, it must fail at the very byte after which nothing valid can follow.
void check_fail_fast(const Bytes& in) {
  Utf8Validator validator;
  Bytes so_far;
  for (const uint8_t byte : in) {
    so_far.push_back(byte);
    const bool ok = validator.feed(&byte, 1);
    if (!CHECK_EQ(ok, could_be_valid(so_far)) || !ok) return;
    CHECK_EQ(validator.complete(), valid(so_far));
  }
}

void append(Bytes& out, uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<uint8_t>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<uint8_t>(0xc0 | point >> 6));
    out.push_back(static_cast<uint8_t>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<uint8_t>(0xe0 | point >> 12));
    out.push_back(static_cast<uint8_t>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<uint8_t>(0x80 | (point & 0x3f)));
  } else {
    out.push_back(static_cast<uint8_t>(0xf0 | point >> 18));
    out.push_back(static_cast<uint8_t>(0x80 | (point >> 12 & 0x3f)));
    out.push_back(static_cast<uint8_t>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<uint8_t>(0x80 | (point & 0x3f)));
  }
}

uint32_t random_point(vws::test::Random& random) {
  for (;;) {
    uint32_t point = 0;
    switch (random.below(5)) {
      case 0:
      case 1:
        point = static_cast<uint32_t>(random.below(0x80));
        break;
      case 2:
        point = static_cast<uint32_t>(random.below(0x800));
        break;
      case 3:
        point = static_cast<uint32_t>(random.below(0x10000));
        break;
      default:
        point = static_cast<uint32_t>(random.below(0x110000));
        break;
    }
    if (point < 0xd800 || point > 0xdfff) return point;
  }
}

Bytes random_text(vws::test::Random& random, size_t characters, std::u16string* utf16) {
  Bytes out;
  size_t ascii_run = 0;
  for (size_t i = 0; i < characters; ++i) {
    if (ascii_run == 0 && random.below(20) == 0) ascii_run = random.below(100);
    uint32_t point = random_point(random);
    if (ascii_run > 0) {
      --ascii_run;
      point = 'a' + static_cast<uint32_t>(random.below(26));
    }
    append(out, point);
    if (utf16 == nullptr) continue;
    if (point < 0x10000) {
      *utf16 += static_cast<char16_t>(point);
    } else {
      *utf16 += static_cast<char16_t>(0xd7c0 + (point >> 10));
      *utf16 += static_cast<char16_t>(0xdc00 + (point & 0x3ff));
    }
  }
  return out;
}

}  // namespace

TEST("every sequence of one and two bytes") {
  check({});
  for (unsigned a = 0; a < 256; ++a) {
    check({static_cast<uint8_t>(a)});
    for (unsigned b = 0; b < 256; ++b) {
      const Bytes in = {static_cast<uint8_t>(a), static_cast<uint8_t>(b)};
      check(in);
      check_fail_fast(in);
    }
  }
}

// Bytes at the ends of each range that matters.
static const uint8_t kEdges[] = {0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0,
                                 0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};

TEST("sequences of four bytes at the edges of all ranges, at every place around a vector's end") {
  for (const uint8_t a : kEdges) {
    for (const uint8_t b : kEdges) {
      for (const uint8_t c : kEdges) {
        for (const uint8_t d : kEdges) {
          const Bytes in = {a, b, c, d};
          if (a >= 0x80) check_fail_fast(in);
          const Utf8Class want = reference(in);
          if (vws::classify_utf8_scalar(in.data(), 4) != want) CHECK(false);
          // 'x' before and behind changes nothing about the verdict, but for what was ASCII.
          static uint8_t text[160];
          std::fill(std::begin(text), std::end(text), uint8_t{'x'});
          text[0] = 0xc3;  // so that the vector code is entered at the beginning
          text[1] = 0xa9;
          const bool ok = want != Utf8Class::kInvalid;
          const size_t at = 60 + (a ^ b ^ c ^ d) % 40;
          std::copy(in.begin(), in.end(), text + at);
          if ((vws::classify_utf8(text, sizeof text) != Utf8Class::kInvalid) != ok) CHECK(false);
        }
      }
    }
  }
}

TEST("every code point, surrogates excepted") {
  Bytes all;
  std::u16string units;
  for (uint32_t point = 0; point <= 0x10ffff; ++point) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    append(all, point);
  }
  CHECK_EQ(vws::classify_utf8(all.data(), all.size()), Utf8Class::kUtf8);
  CHECK_EQ(vws::classify_utf8_scalar(all.data(), all.size()), Utf8Class::kUtf8);
  for (uint32_t point = 0xd800; point <= 0xdfff; ++point) {
    Bytes in;
    append(in, point);
    CHECK_EQ(vws::classify_utf8(in.data(), in.size()), Utf8Class::kInvalid);
  }
}

TEST("a wrong byte at every place of texts of every size up to 300") {
  for (const uint32_t filler : {0x61u, 0xe9u, 0x20acu, 0x1f600u}) {
    Bytes text;
    while (text.size() < 300) append(text, filler);
    for (size_t n = 0; n <= text.size(); ++n) {
      const Bytes part(text.begin(), text.begin() + static_cast<long>(n));
      check(part);
    }
    for (size_t i = 0; i < text.size(); ++i) {
      for (const uint8_t wrong : {0xff, 0x80, 0xc3, 0xe2, 0xf0, 0xed, 0x41}) {
        Bytes bad = text;
        bad[i] = wrong;
        check(bad);
      }
    }
  }
}

TEST("random texts with random damage, vector code against scalar code and reference") {
  vws::test::Random random;
  for (int round = 0; round < 6000; ++round) {
    Bytes in = random_text(random, random.below(200), nullptr);
    check(in);
    if (in.empty()) continue;
    for (int damage = 0; damage < 3; ++damage) {
      in[random.below(in.size())] = static_cast<uint8_t>(random.next() >> 40);
      check(in);
    }
    in.resize(random.below(in.size()) + 1);
    check(in);
  }
}

TEST("texts cut anywhere") {
  vws::test::Random random;
  for (int round = 0; round < 200; ++round) {
    Bytes in = random_text(random, 60, nullptr);
    if (round % 3 == 1) in[random.below(in.size())] = static_cast<uint8_t>(random.next() >> 40);
    const bool want = valid(in);
    for (size_t cut = 0; cut <= in.size(); ++cut) {
      Utf8Validator validator;
      const bool ok = validator.feed(in.data(), cut) &&
                      validator.feed(in.data() + cut, in.size() - cut) && validator.complete();
      CHECK_EQ(ok, want);
      if (ok) CHECK_EQ(validator.ascii(), reference(in) == Utf8Class::kAscii);
    }
    check_fail_fast(in);
    for (size_t piece = 1; piece < 100; piece += 7) {
      Utf8Validator validator;
      bool ok = true;
      for (size_t at = 0; ok && at < in.size(); at += piece) {
        ok = validator.feed(in.data() + at, std::min(piece, in.size() - at));
      }
      CHECK_EQ(ok && validator.complete(), want);
    }
  }
}

TEST("failing as soon as no valid text can follow, in long pieces too") {
  // E0 80 can never become valid, although the text ends before the third byte.
  for (size_t n = 2; n < 200; ++n) {
    Bytes in(n, 'x');
    in[0] = 0xc3;
    in[1] = 0xa9;
    in.push_back(0xe0);
    in.push_back(0x80);
    Utf8Validator validator;
    CHECK(!validator.feed(in.data(), in.size()));
    in.back() = 0xa0;
    validator.reset();
    CHECK(validator.feed(in.data(), in.size()));
    CHECK(!validator.complete());
  }
}

TEST("conversion to UTF-16") {
  vws::test::Random random;
  for (int round = 0; round < 3000; ++round) {
    std::u16string want;
    const Bytes in = random_text(random, random.below(150), &want);
    std::vector<char16_t> out(in.size());
    const size_t n = vws::utf8_to_utf16(in.data(), in.size(), out.data());
    CHECK_EQ(n, want.size());
    CHECK(std::equal(want.begin(), want.end(), out.begin(), out.begin() + static_cast<long>(n)));
  }
}

// With VERAWEBSOCKETS_DISABLE=simd all of the above is about the other code.
TEST("vector instructions are used unless they are switched off") {
#if defined(__x86_64__) || defined(__aarch64__)
  CHECK_EQ(vws::utf8_uses_vectors(), vws::tuning().simd);
#else
  CHECK(vws::tuning().simd || !vws::utf8_uses_vectors());
#endif
}

TEST_MAIN
