#include "moai/worker/exec/unread.h"

#include <algorithm>

namespace moai::worker {
namespace {

constexpr size_t kComparisonsMax = 1 << 14;  // some microseconds, beside a step's hundreds
constexpr size_t kReadersMax = 64;           // of a slot, else it counts as read by others
constexpr size_t kReadByOthers = SIZE_MAX;

// After instruction `at`: a graph that is replayed releases a storage and makes it anew.
bool is_released(graph::StorageId storage, uint32_t at, const dispatch::RunTemplate& run) {
  return storage == 0 || std::ranges::any_of(run.releases, [&](const dispatch::Release& release) {
           return release.storage == storage && release.before > at;
         });
}

bool harmless(const UnreadCall& call, const dispatch::RunTemplate& run, uint32_t first_word) {
  for (size_t i = 0; i < call.words.size(); ++i) {
    if (!ops::is_harmless(run.words[call.first_word - first_word + i], call.words[i])) return false;
  }
  return true;
}

// `readers` of a slot, from the last on. Once others read it, nobody else matters.
void add_reader(size_t reader, std::vector<size_t>* readers) {
  if (!readers->empty() && readers->front() == kReadByOthers) return;
  if (reader == kReadByOthers || readers->size() == kReadersMax) {
    readers->assign(1, kReadByOthers);
  } else {
    readers->push_back(reader);
  }
}

}  // namespace

std::vector<UnreadCall> find_unread(const program::Program& program,
                                    const graph::SignatureTable& signatures) {
  std::vector<UnreadCall> found;  // from the last to the first, and so are the indices
  std::vector<std::vector<size_t>> readers(program.slot_count);
  for (size_t at = program.instructions.size(); at-- > 0;) {
    const program::Instruction& i = program.instructions[at];
    const std::span<const program::Place> places = program.places_of(i);
    size_t reader = kReadByOthers, operands = places.size();
    if (i.kind == graph::NodeKind::kCall) {
      const graph::SignatureTable::Entry& entry = signatures.at(i.signature);
      operands = entry.arity.operands;
      UnreadCall call{.at = static_cast<uint32_t>(at), .first_word = i.words_begin};
      for (const program::Place slot : places.subspan(operands)) {
        call.made.push_back(static_cast<uint32_t>(slot));
        call.readers.insert(call.readers.end(), readers[slot].begin(), readers[slot].end());
      }
      const bool read = std::ranges::find(call.readers, kReadByOthers) != call.readers.end();
      const auto words =
          read || call.made.empty() ? std::nullopt : ops::if_total(entry.signature());
      if (words) {
        call.words = *words;
        reader = found.size();
        found.push_back(std::move(call));
      }
    }
    for (const program::Place slot : places.first(operands)) add_reader(reader, &readers[slot]);
  }
  std::ranges::reverse(found);
  for (UnreadCall& call : found) {
    for (size_t& reader : call.readers) reader = found.size() - 1 - reader;
  }
  return found;
}

void choose_unread(std::span<const UnreadCall> unread, const dispatch::RunTemplate& run,
                   std::span<const graph::StorageId> bound, uint32_t first_word,
                   std::vector<uint32_t>* chosen) {
  chosen->clear();
  const auto begin = std::ranges::lower_bound(unread, run.begin, {}, &UnreadCall::at);
  const auto end = std::ranges::lower_bound(unread, run.end, {}, &UnreadCall::at);
  const auto count = static_cast<size_t>(end - begin);
  if (count == 0 || count * run.releases.size() > kComparisonsMax) return;
  // Readers come later: from the last call to the first, whether it is left out.
  const auto first = static_cast<size_t>(begin - unread.begin());
  std::vector<bool> left_out(count);
  for (size_t i = count; i-- > 0;) {
    const UnreadCall& call = unread[first + i];
    left_out[i] =
        harmless(call, run, first_word) &&
        std::ranges::all_of(
            call.readers,
            [&](size_t reader) { return reader - first < count && left_out[reader - first]; }) &&
        std::ranges::all_of(call.made,
                            [&](uint32_t slot) { return is_released(bound[slot], call.at, run); });
    if (left_out[i]) chosen->push_back(call.at);
  }
  std::ranges::reverse(*chosen);
}

}  // namespace moai::worker
