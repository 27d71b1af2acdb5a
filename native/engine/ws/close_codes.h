#pragma once

#include <cstdint>

namespace vws {

// Close codes, RFC 6455 §7.4 and IANA's registry.
enum CloseCode : uint16_t {
  kCloseNormal = 1000,
  kCloseGoingAway = 1001,
  kCloseProtocolError = 1002,
  kCloseUnsupportedData = 1003,
  kCloseNoStatus = 1005,  // reported, never sent
  kCloseAbnormal = 1006,  // reported, never sent
  kCloseInvalidPayload = 1007,
  kClosePolicyViolation = 1008,
  kCloseTooBig = 1009,
  kCloseMandatoryExtension = 1010,
  kCloseInternalError = 1011,
  kCloseServiceRestart = 1012,
  kCloseTryAgainLater = 1013,
  kCloseBadGateway = 1014,
  kCloseTlsHandshake = 1015,  // reported, never sent
};

// Whether a Close frame may carry the code. 1004 is reserved; 1005, 1006 and 1015 "MUST NOT be set
// as a status code in a Close control frame" (§7.4.1), so that a peer that sends one breaks the
// protocol; 1016 to 2999 belong to future revisions. 1012 to 1014 are registered since and are
// reported as they come.
constexpr bool valid_close_code(uint32_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace vws
