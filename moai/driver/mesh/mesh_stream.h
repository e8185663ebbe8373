// MeshStream: the stream of a job on several devices.
//
// What comes is collected to windows. A window ends with an optimizer step, when somebody waits, or
// when it grows too long; then the compiler makes a program for each rank of it, and what the
// window's storages hold is moved to where the programs want it. docs/design/016.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "moai/compiler/sharding/skipped_region.h"
#include "moai/driver/lease/connector.h"
#include "moai/driver/mesh/gathering.h"
#include "moai/driver/mesh/job_cluster.h"
#include "moai/driver/mesh/plan_book.h"
#include "moai/driver/mesh/plan_choice.h"
#include "moai/driver/mesh/rank_queue.h"
#include "moai/driver/mesh/shards.h"
#include "moai/driver/mesh/storages.h"
#include "moai/driver/mesh/window_builder.h"
#include "moai/driver/stream/stream.h"

namespace moai::driver {

struct MeshOptions {
  PlanSchedule plans{};
  bool search = true;             // for what they leave open
  DescriptionPlaces described{};  // of the devices, for the search
  // Whether exchanges go on beside calls; nothing: as the description says.
  std::optional<bool> overlaps{};
  std::string version{};  // of the client, for what the search finds
  bool quiet = false, tells_search = false;
  std::chrono::milliseconds greeting_max{10000};
  size_t window_nodes_max = size_t{1} << 16;
  uint64_t held_bytes_max = uint64_t{1} << 30;  // uploads that wait for a window
};

class MeshStream final : public Stream {
 public:
  // Greets all Workers and makes the mesh of them. All pointers outlive it. `next_storage` numbers
  // the script's storages, and temporary ones of programs too.
  static Result<std::unique_ptr<Stream>> open(std::vector<ConnectedWorker> workers,
                                              const MeshOptions& options,
                                              graph::SignatureTable* signatures,
                                              std::atomic<StorageId>* next_storage,
                                              Answers* answers, const Interrupt& interrupt);

  Status send(dispatch::Message* message, const Interrupt& interrupt) override;
  Status end_step(const Interrupt& interrupt) override;
  Status flush(const Interrupt& interrupt) override;
  Status pump() override;
  Status drain() override;
  void close() override;
  void say_goodbye() override;
  void close_copy() override;
  void end_threads() override { choice_->end(); }
  session::JobReport::Plan plan() const override;
  bool busy() const override;
  comm::Link::Counters counters() const override;
  size_t lost_rank() const override { return lost_rank_; }

 private:
  MeshStream(std::vector<ConnectedWorker> workers, std::vector<dispatch::Welcome> welcomes,
             const MeshOptions& options, std::unique_ptr<PlanChoice> choice,
             graph::SignatureTable* signatures, std::atomic<StorageId>* next_storage,
             Answers* answers);

  // ---- what comes
  template <class Other>
  void take(Other*) {}  // is for Workers that run a script's commands as they are
  void take(dispatch::DefineTemplate* define) { builder_.define(*define); }
  void take(dispatch::DropTemplate* drop) { builder_.drop(drop->id); }
  void take(dispatch::Run* run);
  void take(dispatch::RunTemplate* run);
  void take(dispatch::Upload* upload);
  void take(dispatch::Read* read);
  void take(dispatch::Ask* ask);
  void take(dispatch::Marker* marker);
  void record(const WindowBuilder::Recorded& r, uint64_t* sequence);
  void note_border(graph::SignatureId id);
  void resize(StorageId id, uint64_t bytes);
  void free(StorageId id);
  static Status started(const Status& delivered);

  // ---- windows
  void end_window();
  uint64_t end_window_before(const dispatch::Read& read);
  void end_window(const WindowBuilder::Built& built);
  void make_whole();
  void run(const WindowBuilder::Built& built);
  void send(const PlanBook::Found& found, const WindowBuilder::Built& built);
  void change_plan(const graph::Window& w);
  Status change(const PlanBook::Options& options, const graph::Window& w);
  void join_mesh();
  void send_marker(const dispatch::Marker& marker,
                   Gathering::Request::Kind kind = Gathering::Request::Kind::kMarker);

  // ---- sending and receiving
  size_t ranks() const { return ranks_.size(); }
  Status deliver(const Interrupt& interrupt);
  Status take_in();
  Status lost(size_t rank, const Status& how);

  const MeshOptions options_;
  const graph::SignatureTable& signatures_;
  std::atomic<StorageId>& next_storage_;
  Answers& answers_;
  Ranks ranks_;
  StepClock clock_;
  Gathering gathering_;

  // Of the sending thread.
  compiler::Mesh mesh_;
  WindowBuilder builder_;
  // Of calls that a Worker may skip.
  std::vector<std::optional<compiler::RegionBorder>> borders_;  // by signature; none: not seen yet
  size_t region_markers_ = 0;                                   // when such calls began
  std::vector<dispatch::Marker> markers_;                       // that stand behind the window
  Storages storages_;
  RankQueue queue_;
  Shards shards_;
  PlanBook plans_;
  const std::unique_ptr<PlanChoice> choice_;
  Status broken_;          // why nothing can be sent any more
  uint64_t sequence_ = 0;  // of the script
  uint64_t meshes_ = 0;    // joined so far
  bool joined_ = false;

  std::atomic<size_t> lost_rank_{0};
  std::atomic<bool> has_lost_{false};
};

}  // namespace moai::driver
