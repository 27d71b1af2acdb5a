// Lists of addresses and networks, and for whom a trusted proxy asks.

#include "engine/net/networks.h"

#include <string>
#include <vector>

#include "engine/http/forwarded.h"
#include "harness.h"

namespace vws::test {

namespace {

Address ip(const std::string& text) { return *Address::from_numeric(text, 1234); }

Networks networks(const std::vector<std::string>& texts) {
  Networks made;
  for (const std::string& text : texts) CHECK(made.add(text));
  return made;
}

}  // namespace

TEST("networks contain their addresses") {
  const struct {
    const char* network;
    const char* address;
    bool inside;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"192.0.2.1/32", "192.0.2.1", true},
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.77/24", "192.0.2.1", true},  // what stands behind the prefix is not looked at
      {"10.0.0.0/9", "10.127.255.255", true},
      {"10.0.0.0/9", "10.128.0.0", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::1", "::2", false},
      // As a socket for both versions has them.
      {"192.0.2.0/24", "::ffff:192.0.2.9", true},
      {"192.0.2.0/24", "::ffff:192.0.3.9", false},
      {"::ffff:192.0.2.0/120", "192.0.2.9", true},
      {"::ffff:192.0.2.0/120", "::ffff:192.0.2.9", true},
      {"::ffff:192.0.2.9", "192.0.2.9", true},
  };
  for (const auto& one : cases) {
    CHECK_EQ(networks({one.network}).contains(ip(one.address)), one.inside);
  }
}

TEST("networks refuse what is none") {
  for (const char* text :
       {"", "/", "/8", "192.0.2", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/-1", "192.0.2.1/08",
        "192.0.2.1/1000", "192.0.2.1/8 ", "192.0.2.1/8/8", "2001:db8::/129", "fe80::1%lo",
        "fe80::%1/10", "localhost", "*", "unixes", "192.0.2.1 "}) {
    Networks made;
    CHECK(!made.add(text));
    CHECK(made.empty());
  }
}

TEST("networks have unix sockets") {
  const Address client = Address::unix_client();
  CHECK(networks({"unix"}).contains(client));
  CHECK(!networks({"0.0.0.0/0", "::/0"}).contains(client));
  CHECK(!networks({"unix"}).contains(ip("192.0.2.1")));
  CHECK(!networks({"unix"}).empty());
  CHECK(!networks({"unix"}).contains(Address()));
}

namespace {

std::string client(const char* peer, const char* value,
                   TrustedProxies::Header header = TrustedProxies::Header::kXForwardedFor) {
  TrustedProxies proxies;
  proxies.networks = networks({"10.0.0.0/8", "::1"});
  proxies.header = header;
  return client_address(proxies, ip(peer), value).text();
}

}  // namespace

TEST("the client is the last one that is no proxy") {
  const struct {
    const char* peer;
    const char* value;
    const char* client;
  } cases[] = {
      {"192.0.2.1", "203.0.113.9", "192.0.2.1"},  // who asks is not trusted
      {"10.0.0.1", "", "10.0.0.1"},               // and asks for itself
      {"10.0.0.1", " \t ", "10.0.0.1"},
      {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
      {"::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"},
      {"::1", "203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"},  // the client has lied
      {"10.0.0.1", "1.1.1.1,203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "10.0.0.9, 203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2 ,10.0.0.3", "203.0.113.9"},
      {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
      {"10.0.0.1", "203.0.113.9:4711", "203.0.113.9"},
      {"10.0.0.1", "2001:db8::9", "2001:db8::9"},
      {"10.0.0.1", "[2001:db8::9]", "2001:db8::9"},
      {"10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"},
      // Not known.
      {"10.0.0.1", "203.0.113.9, unknown", ""},
      {"10.0.0.1", "203.0.113.9, ", ""},
      {"10.0.0.1", "203.0.113.9, , 10.0.0.2", ""},
      {"10.0.0.1", "[2001:db8::9", ""},
      {"10.0.0.1", "[2001:db8::9]x", ""},
      {"10.0.0.1", "[]", ""},
      {"10.0.0.1", "fe80::1%lo", ""},
      {"10.0.0.1", "\"203.0.113.9\"", ""},
      {"10.0.0.1", "0xcb.0.113.9", ""},
  };
  for (const auto& one : cases) CHECK_EQ(client(one.peer, one.value), one.client);
}

TEST("the client in forwarded") {
  const struct {
    const char* value;
    const char* client;
  } cases[] = {
      {"for=203.0.113.9", "203.0.113.9"},
      {"For=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"},
      {"proto=https ; FOR=\"203.0.113.9:80\"", "203.0.113.9"},
      {"for=\"[2001:db8::9]:4711\"", "2001:db8::9"},
      {"for=1.1.1.1, for=203.0.113.9", "203.0.113.9"},
      {"for=1.1.1.1, for=203.0.113.9;proto=http, for=10.0.0.2", "203.0.113.9"},
      // What a client has begun swallows nothing of what a proxy has added.
      {"for=\"1.1.1.1, for=203.0.113.9", "203.0.113.9"},
      {"for=\"1.1.1.1, for=\"203.0.113.9\"", "203.0.113.9"},
      {"for=\"\\\", for=203.0.113.9", "203.0.113.9"},
      {"for=1.1.1.1;by=\"a, for=10.0.0.9\", for=203.0.113.9", "203.0.113.9"},
      // Not known.
      {"for=unknown", ""},
      {"for=_hidden", ""},
      {"proto=https", ""},
      {"by=203.0.113.9", ""},
      {"for=1.1.1.1, proto=https", ""},
      {"203.0.113.9", ""},
      {"for=", ""},
      {"for=\"", ""},
      {"xfor=203.0.113.9", ""},
  };
  for (const auto& one : cases) {
    CHECK_EQ(client("10.0.0.1", one.value, TrustedProxies::Header::kForwarded), one.client);
  }
}

TEST("headers are joined") {
  const std::string lines =
      "Host: h\r\nX-Forwarded-For: a\r\nx-forwarded-for:b, c \r\nX-Forwarded-Fort: d\r\nX: e\r\n";
  CHECK_EQ(header_value(lines, "x-forwarded-for"), std::string("a, b, c"));
  CHECK_EQ(header_value(lines, "forwarded"), std::string());
  CHECK_EQ(header_value("", "x"), std::string());
  CHECK_EQ(header_value("x:\r\n", "x"), std::string());
}

}  // namespace vws::test

TEST_MAIN
