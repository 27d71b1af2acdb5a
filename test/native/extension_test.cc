#include "engine/ws/extension.h"

#include <string>

#include "harness.h"

using vws::DeflateOffer;
using vws::ExtensionError;
using vws::Negotiated;

namespace {

const DeflateOffer kPlain;
const DeflateOffer kFull = {true, true, 12, 11};
const DeflateOffer kValueless = {false, false, 0, 1};

// "off", "on 15 15", with "s" and "c" for no context takeover, or the code of the error.
std::string outcome(const std::string& header, const DeflateOffer* offer) {
  Negotiated negotiated;
  ExtensionError error;
  if (!vws::parse_extension_response(header, offer, &negotiated, &error)) {
    CHECK(!negotiated.on);
    CHECK(!error.message.empty());
    for (const char c : error.message) CHECK(c >= ' ' && c <= '~');
    return error.code;
  }
  CHECK_EQ(std::string(error.code), "");
  if (!negotiated.on) return "off";
  return "on " + std::to_string(negotiated.server_max_window_bits) + " " +
         std::to_string(negotiated.client_max_window_bits) +
         (negotiated.server_no_context_takeover ? " s" : "") +
         (negotiated.client_no_context_takeover ? " c" : "");
}

std::string with(const std::string& parameters, const DeflateOffer& offer) {
  return outcome("permessage-deflate" + parameters, &offer);
}

}  // namespace

TEST("offers") {
  CHECK_EQ(vws::build_deflate_offer({}), "permessage-deflate");
  CHECK_EQ(vws::build_deflate_offer(kValueless), "permessage-deflate; client_max_window_bits");
  CHECK_EQ(vws::build_deflate_offer(kFull),
           "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
           "server_max_window_bits=12; client_max_window_bits=11");
}

TEST("no answer, and answers nobody asked for") {
  CHECK_EQ(outcome("", &kPlain), "off");
  CHECK_EQ(outcome("  \t", &kPlain), "off");
  CHECK_EQ(outcome("", nullptr), "off");
  CHECK_EQ(outcome("permessage-deflate", nullptr), "ERR_WS_EXTENSION_UNEXPECTED");
  CHECK_EQ(outcome("x-webkit-deflate-frame", &kPlain), "ERR_WS_EXTENSION_UNEXPECTED");
  CHECK_EQ(outcome("permessage-deflate, foo", &kPlain), "ERR_WS_EXTENSION_UNEXPECTED");
  CHECK_EQ(outcome("permessage-deflate, permessage-deflate", &kPlain),
           "ERR_WS_EXTENSION_DUPLICATE");
}

TEST("what the server may agree to") {
  CHECK_EQ(with("", kPlain), "on 15 15");
  CHECK_EQ(with("; server_no_context_takeover", kPlain), "on 15 15 s");
  CHECK_EQ(with("; client_no_context_takeover", kPlain), "on 15 15 c");
  CHECK_EQ(with("; server_max_window_bits=10", kPlain), "on 10 15");
  CHECK_EQ(with(";server_max_window_bits=8;client_max_window_bits=9", kValueless), "on 8 9");
  CHECK_EQ(with("; client_max_window_bits=15", kValueless), "on 15 15");
  CHECK_EQ(with("; server_max_window_bits=12", kFull), "on 12 11 c");
  CHECK_EQ(with("; server_max_window_bits=9; client_max_window_bits=8; server_no_context_takeover",
                kFull),
           "on 9 8 s c");
  for (int bits = 8; bits <= 15; ++bits) {
    CHECK_EQ(with("; server_max_window_bits=" + std::to_string(bits), kPlain),
             "on " + std::to_string(bits) + " 15");
  }
}

TEST("what an offer binds us to, even if the server does not repeat it") {
  CHECK_EQ(with("", kFull), "on 15 11 c");
}

TEST("spelling: space, case, quotes, empty elements") {
  CHECK_EQ(
      outcome(
          " \tPERMESSAGE-Deflate ;\tServer_Max_Window_Bits = \"10\" ; server_no_context_takeover ",
          &kPlain),
      "on 10 15 s");
  CHECK_EQ(outcome(",, permessage-deflate ,,", &kPlain), "on 15 15");
  CHECK_EQ(with("; server_max_window_bits=\"1\\0\"", kPlain), "on 10 15");
}

TEST("parameters that are unknown, twice there or were not offered") {
  CHECK_EQ(with("; foo", kPlain), "ERR_WS_EXTENSION_PARAMETER_UNKNOWN");
  CHECK_EQ(with("; foo=1", kPlain), "ERR_WS_EXTENSION_PARAMETER_UNKNOWN");
  for (const std::string name : {"server_no_context_takeover", "client_no_context_takeover"}) {
    CHECK_EQ(with("; " + name + "; " + name, kPlain), "ERR_WS_EXTENSION_PARAMETER_DUPLICATE");
  }
  for (const std::string name : {"server_max_window_bits=10", "client_max_window_bits=10"}) {
    CHECK_EQ(with("; " + name + "; " + name, kValueless), "ERR_WS_EXTENSION_PARAMETER_DUPLICATE");
  }
  CHECK_EQ(with("; client_max_window_bits=10", kPlain), "ERR_WS_EXTENSION_PARAMETER_UNEXPECTED");
  CHECK_EQ(with("; client_max_window_bits", kPlain), "ERR_WS_EXTENSION_PARAMETER_UNEXPECTED");
}

TEST("values that are wrong, missing, or there where none belongs") {
  for (const std::string name : {"server_max_window_bits", "client_max_window_bits"}) {
    CHECK_EQ(with("; " + name, kValueless), "ERR_WS_EXTENSION_PARAMETER_VALUE");
    for (const std::string value : {"7", "16", "0", "08", "010", "015", "1", "10a", "a", "-8", "+8",
                                    "1e1", "150", "99999999999999999999", "18446744073709551624"}) {
      CHECK_EQ(with("; " + name + "=" + value, kValueless), "ERR_WS_EXTENSION_PARAMETER_VALUE");
    }
  }
  CHECK_EQ(with("; server_no_context_takeover=1", kPlain), "ERR_WS_EXTENSION_PARAMETER_VALUE");
  CHECK_EQ(with("; client_no_context_takeover=true", kPlain), "ERR_WS_EXTENSION_PARAMETER_VALUE");
  CHECK_EQ(with("; server_max_window_bits=13", kFull), "ERR_WS_EXTENSION_PARAMETER_TOO_LARGE");
  CHECK_EQ(with("; client_max_window_bits=12", kFull), "ERR_WS_EXTENSION_PARAMETER_TOO_LARGE");
}

TEST("what is not the header's grammar") {
  for (const std::string header :
       {",", ";", "=", "permessage-deflate;", "permessage-deflate;;", "permessage-deflate; =1",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; server_max_window_bits=\"1 0\"",
        "permessage-deflate; server_max_window_bits=\"10\\",
        "permessage-deflate; server_max_window_bits=10 11", "permessage-deflate foo",
        "permessage-deflate=1", "permessage-deflate; a=\"b\"c\x01", "\"permessage-deflate\"",
        "permessage-deflate\r\n", "\xff"}) {
    const std::string got = outcome(header, &kPlain);
    CHECK(got == "ERR_WS_EXTENSION_SYNTAX" || got == "ERR_WS_EXTENSION_PARAMETER_UNKNOWN");
    if (header.find("a=") == std::string::npos) CHECK_EQ(got, "ERR_WS_EXTENSION_SYNTAX");
  }
  CHECK_EQ(outcome(std::string("permessage-deflate\0", 19), &kPlain), "ERR_WS_EXTENSION_SYNTAX");
}

TEST_MAIN
