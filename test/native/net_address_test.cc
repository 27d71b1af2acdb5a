#include "engine/net/address.h"

#include <cerrno>
#include <string>
#include <vector>

#include "engine/net/connect_error.h"
#include "engine/os/error_names.h"
#include "engine/os/lookup.h"
#include "harness.h"
#include "support/system.h"

using vws::Address;

namespace {

std::string round_trip(const std::string& text) {
  const auto address = Address::from_numeric(text, 80);
  return address ? address->text_with_port() : "none";
}

std::string interleaved(const std::vector<std::string>& texts) {
  std::vector<Address> addresses;
  for (const std::string& text : texts) addresses.push_back(*Address::from_numeric(text, 0));
  std::string out;
  for (const Address& address : vws::interleave_families(addresses)) out += address.text() + ' ';
  return out;
}

}  // namespace

TEST("numeric addresses are read strictly and shown canonically") {
  CHECK_EQ(round_trip("127.0.0.1"), "127.0.0.1:80");
  CHECK_EQ(round_trip("::1"), "::1:80");
  CHECK_EQ(round_trip("0:0:0:0:0:0:0:1"), "::1:80");
  CHECK_EQ(round_trip("::ffff:1.2.3.4"), "::ffff:1.2.3.4:80");
  const std::string zoned = "fe80::1%" + vws::test::loopback_name();
  CHECK_EQ(round_trip(zoned), zoned + ":80");
  CHECK_EQ(round_trip("fe80::1%1"), zoned + ":80");
  CHECK_EQ(round_trip("fe80::1%4000000000"), "fe80::1%4000000000:80");
  for (const char* text : {"", "127.1", "1.2.3.4.5", "[::1]", "localhost", "::1%", "::1%nosuch0",
                           "fe80::1%99999999999", "127.0.0.1%lo", "1.2.3.4 ", ":::1"}) {
    CHECK_EQ(round_trip(text), "none");
  }
  CHECK_EQ(round_trip(std::string("1.2.3.4\0", 8)), "none");
  CHECK_EQ(Address::from_numeric("::1", 7)->ip_version(), 6);
  CHECK_EQ(Address::from_numeric("1.2.3.4", 65535)->port(), 65535);
}

TEST("an empty address is harmless") {
  Address none;
  none.set_port(5);
  CHECK(none.empty());
  CHECK_EQ(none.text_with_port(), "");
  CHECK_EQ(none.port(), 0);
  CHECK_EQ(none.ip_version(), 0);
  CHECK(none == Address());
  CHECK(Address::peer_of(-1).empty());
}

TEST("unix paths and abstract names") {
  CHECK_EQ(Address::from_unix_path("/run/a.sock")->text(), "/run/a.sock");
  CHECK_EQ(Address::from_unix_path("@name")->text(), "@name");
  CHECK_EQ(Address::from_unix_path(std::string("\0name", 5))->text(), "@name");
  CHECK(*Address::from_unix_path("@name") == *Address::from_unix_path(std::string("\0name", 5)));
  CHECK_EQ(Address::from_unix_path("./@name")->text_with_port(), "./@name");
  CHECK_EQ(Address::from_unix_path(std::string(107, 'x'))->text(), std::string(107, 'x'));
  CHECK(!Address::from_unix_path(std::string(108, 'x')));
  CHECK_EQ(Address::from_unix_path('@' + std::string(107, 'x'))->text().size(), size_t{108});
  CHECK(!Address::from_unix_path('@' + std::string(108, 'x')));
  CHECK(!Address::from_unix_path(""));
  CHECK(!Address::from_unix_path(std::string("/a\0b", 4)));
}

TEST("versions alternate, beginning with the first") {
  CHECK_EQ(interleaved({}), "");
  CHECK_EQ(interleaved({"::1", "::2", "::3", "1.1.1.1", "1.1.1.2"}),
           "::1 1.1.1.1 ::2 1.1.1.2 ::3 ");
  CHECK_EQ(interleaved({"1.1.1.1", "1.1.1.2", "::1"}), "1.1.1.1 ::1 1.1.1.2 ");
  CHECK_EQ(interleaved({"1.1.1.1", "1.1.1.2"}), "1.1.1.1 1.1.1.2 ");
}

TEST("errors have the names that users know") {
  CHECK_EQ(vws::errno_name(ECONNREFUSED), "ECONNREFUSED");
  CHECK_EQ(vws::errno_name(12345), "errno 12345");
  CHECK_EQ(vws::os::lookup_error_name({vws::os::kLookupNotFound, 0}), "ENOTFOUND");
  CHECK_EQ(vws::os::lookup_error_name({vws::test::kTryAgain, 0}), "EAI_AGAIN");
  CHECK_EQ(vws::os::lookup_error_name({vws::os::kLookupSystemError, EMFILE}), "EMFILE");
  CHECK_EQ(vws::os::lookup_error_name({-4711, 0}), "EAI -4711");
  CHECK(!vws::errno_text(ECONNREFUSED).empty());
}

TEST("the peer's answer says more than the network's, and that more than our own") {
  const auto telling = [](const std::vector<int>& errors) {
    std::vector<vws::AttemptError> attempts;
    for (const int error : errors) {
      attempts.emplace_back();
      attempts.back().error = error;
    }
    return vws::most_telling(attempts).error;
  };
  CHECK_EQ(telling({ENETUNREACH, ECONNREFUSED, EHOSTUNREACH}), ECONNREFUSED);
  CHECK_EQ(telling({EAFNOSUPPORT, ENETUNREACH}), ENETUNREACH);
  CHECK_EQ(telling({ENETUNREACH, ETIMEDOUT, EHOSTUNREACH}), ETIMEDOUT);
  CHECK_EQ(telling({ETIMEDOUT, EMFILE}), EMFILE);
  CHECK_EQ(telling({EADDRNOTAVAIL}), EADDRNOTAVAIL);
}

TEST_MAIN
