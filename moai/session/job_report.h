// JobReport: what a job says of itself to the commands of its user, in a file that outlives it.
//
// The driver writes it every few seconds and at its end; bytes: docs/formats/report.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moai/base/status.h"

namespace moai::session {

struct JobReport {
  // Why commands were sent, or what the script waited for, at one line of it.
  struct Row {
    std::string reason{};  // one word
    uint64_t count = 0;
    uint64_t total_ns = 0, longest_ns = 0;  // of waits
    std::string line{};                     // "train.py:12"; empty when unknown

    bool operator==(const Row&) const = default;
  };

  // How far the compiling of a repeated window has come.
  struct Window {
    uint64_t id = 0;      // of its template; 0: all, nothing is compiled
    std::string phase{};  // asked, tried, used or dropped
    uint64_t calls = 0, compile_ms = 0;
    uint64_t interpreted_ns = 0, compiled_ns = 0;  // of a run; 0: not known
    std::string text{};

    bool operator==(const Window&) const = default;
  };

  // How a job on several devices is shared among them, and why so.
  struct Plan {
    // Another plan that was looked at, or one that is had.
    struct Price {
      std::string degrees{};
      bool fits = true;
      uint64_t step_ns = 0, exchange_ns = 0, memory_bytes = 0;  // predicted; 0: not known
      uint64_t idle_ns = 0;  // of the step: stages wait for each other

      bool operator==(const Price&) const = default;
    };
    // Windows that every rank runs whole.
    struct Whole {
      uint64_t calls = 0, runs = 0;
      std::string why{};

      bool operator==(const Whole&) const = default;
    };

    std::string degrees{};  // empty: one device
    std::string how{};      // pinned, begun, searching, found, kept or stays
    std::string why{};
    uint64_t changes = 0, since_step = 0;
    std::vector<Price> prices{};  // best first
    uint64_t candidates = 0, priced = 0, bound_ns = 0, limit_bytes = 0;
    std::string cluster{};
    uint64_t measured_step_ns = 0, measured_bytes = 0;  // of the fullest rank; 0: not yet
    std::vector<Whole> whole{};

    bool operator==(const Plan&) const = default;
  };

  uint64_t job_id = 0;
  uint64_t pid = 0;
  std::string command{};
  int64_t begun_ns = 0, written_ns = 0;  // since 1970
  bool ended = false;
  std::vector<std::pair<std::string, uint64_t>> counters{};
  std::vector<Row> flushes{}, waits{};
  std::vector<Window> windows{};
  Plan plan{};

  bool operator==(const JobReport&) const = default;
};

std::string to_text(const JobReport& report);
// DATA_LOSS for text that is none of a report. Lines of kinds it does not know are passed over.
Result<JobReport> job_report_from_text(std::string_view text);

// Replaces the job's file in `folder`, which is made; keeps the newest 50 of them.
Status write_job_report(const std::string& folder, const JobReport& report);
// NOT_FOUND when there is none. `job_id` 0: of the job that began last.
Result<JobReport> read_job_report(const std::string& folder, uint64_t job_id);
std::string job_report_folder(const std::string& state_dir);

}  // namespace moai::session
