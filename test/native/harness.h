#pragma once

// The least a test needs: cases that register themselves, checks that go on after a failure, a
// generator of numbers that are the same in every run. An argument selects the cases whose names
// contain it.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace vws::test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

// Only the first few of one case are printed.
inline void report(const char* file, int line, const std::string& what) {
  if (++failures() <= 10) std::printf("  %s:%d: %s\n", file, line, what.c_str());
}

template <typename T>
std::string show(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else if constexpr (sizeof(T) == 1 && std::is_integral_v<T>) {
    out << static_cast<int>(value);
  } else {
    out << value;
  }
  std::string text = out.str();
  const size_t size = text.size();
  if (size > 300) {
    text.resize(300);
    text += "... (" + std::to_string(size) + ")";
  }
  return text;
}

template <typename A, typename B>
bool check_equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return true;
  report(file, line, std::string(text) + ": " + show(a) + " != " + show(b));
  return false;
}

inline int run(int argc, char** argv) {
  int passed = 0;
  int failed = 0;
  for (const Case& c : cases()) {
    if (argc > 1 && std::strstr(c.name, argv[1]) == nullptr) continue;
    failures() = 0;
    c.run();
    if (failures() == 0) {
      ++passed;
    } else {
      ++failed;
      std::printf("FAILED %s (%d checks)\n", c.name, failures());
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

// xorshift64*: quick, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed = 0x9e3779b97f4a7c15u) : state_(seed) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  // 0 to bound - 1.
  size_t below(size_t bound) { return static_cast<size_t>((next() >> 11) % bound); }
  std::vector<uint8_t> bytes(size_t n) {
    std::vector<uint8_t> out(n);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(next() >> 32);
    return out;
  }

 private:
  uint64_t state_;
};

}  // namespace vws::test

#define VWS_JOIN2(a, b) a##b
#define VWS_JOIN(a, b) VWS_JOIN2(a, b)
#define TEST(name)                                                               \
  static void VWS_JOIN(test_case_, __LINE__)();                                  \
  static const ::vws::test::Registration VWS_JOIN(test_registration_, __LINE__)( \
      name, VWS_JOIN(test_case_, __LINE__));                                     \
  static void VWS_JOIN(test_case_, __LINE__)()

#define CHECK(condition) \
  ((condition) ? true : (::vws::test::report(__FILE__, __LINE__, #condition), false))
#define CHECK_EQ(a, b) ::vws::test::check_equal((a), (b), #a " == " #b, __FILE__, __LINE__)

#define TEST_MAIN \
  int main(int argc, char** argv) { return ::vws::test::run(argc, argv); }
