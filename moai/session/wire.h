// What the driver in the user's process and its holder (moai-session) say to each other.
//
// Frames over a socket pair: 4-byte little-endian length, then a kind byte and the message, in the
// encoding of moai/base/bytes.h. No protobuf here: the user's process carries none.
// docs/formats/session.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "moai/base/status.h"

namespace moai::session {

inline constexpr uint32_t kWireVersion = 2;
inline constexpr size_t kWireFrameBytesMax = size_t{1} << 20;

// ---- driver → holder

struct Start {  // first; who asks, and where the platform is
  uint32_t wire_version = kWireVersion;
  std::string client_version = {};  // of this package, "0.1.0"
  std::string framework = {};       // "pytorch-2.13.0"
  int64_t pid = 0;
  std::string command = {};          // "python train.py"
  std::string manager_address = {};  // empty: the local platform, which the holder starts if needed
  std::string token = {};            // empty: the local platform's own
  std::string ca_path = {};          // CA certificate of the manager; empty: the local platform's
  std::string flavor = {};           // MOAI_FLAVOR; empty: the accelerator's own
  std::string device = {};           // MOREH_VISIBLE_DEVICE; empty: the token's default accelerator
  std::string resume = {};           // credential of a session whose holder died, else empty
};
struct Acquire {};   // a lease is wanted now
struct GiveBack {};  // the lease is not needed any more; the session stays
struct LinkLost {    // the Worker at `address` cannot be reached
  std::string address;
  std::string text;
};

// ---- holder → driver

struct Line {         // to be shown to the user as "[level] text"
  uint8_t level = 1;  // LogLevel
  std::string text;
};
struct Waiting {  // a lease must wait; `text` is complete, with its reason
  std::string text;
};
struct WorkerAddress {
  std::string address;  // of its Link
  std::string secret;   // kSecretBytes
  std::string node;     // where it runs, "back01"
  uint32_t device = 0;  // of that node
  std::string host_id;  // equal for Workers that can share memory; empty: not known
};
struct Granted {
  uint64_t job_id = 0;
  uint64_t epoch = 0;
  std::string flavor;
  std::string device_name;             // "MoAI Accelerator", a site setting
  uint64_t memory_bytes = 0;           // of one device
  std::string ca;                      // PEM, for "tls:" addresses
  std::string resume;                  // credential for a successor of this holder
  std::vector<WorkerAddress> workers;  // by rank, one a device
};
struct Ended {  // the lease is over (revoked, reset, Worker died, refused); code and text say why
  Code code = Code::kUnknown;
  std::string text;
};

using WireMessage = std::variant<Start, Acquire, GiveBack, LinkLost, Line, Waiting, Granted, Ended>;

void encode(const WireMessage& m, std::string* out);  // appends; length prefix included
Result<WireMessage> decode(std::string_view frame);   // without the length prefix

// Cuts the bytes of a stream socket into messages. After an error the stream is lost.
//
//   splitter.feed({buffer, n});
//   while (true) {
//     auto message = splitter.next();        // error: close the socket
//     if (!message.ok() || !*message) break;  // nullopt: more bytes are needed
//     handle(**message);
//   }
class WireSplitter {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  Result<std::optional<WireMessage>> next();

 private:
  std::string buffer_;
  size_t begin_ = 0;  // of the first byte not yet given out
};

}  // namespace moai::session
