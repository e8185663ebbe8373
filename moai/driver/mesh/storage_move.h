// The calls of ranks that bring a storage from how it lies on one mesh to how it is to lie on
// another.
//
// It is made whole along the axes of the mesh before, then each rank keeps its part: the groups
// that are there do all of it, and a rank has no more than this one storage whole.
#pragma once

#include <cstddef>

#include "moai/compiler/distribute.h"

namespace moai::driver {

// Whether parts of equal layouts are the same on both.
bool same_axes(const compiler::Mesh& a, const compiler::Mesh& b);

struct Lie {
  const compiler::Mesh* mesh = nullptr;
  compiler::StorageLayout layout{};
};

struct StorageMove {
  graph::StorageId storage = 0;
  Lie from{}, to{};  // of equally many ranks; not both whole
  graph::StorageId first_temporary = 0;

  // Ids that its calls use from `first_temporary` on.
  size_t temporaries() const { return from.mesh->axes.size() + to.mesh->axes.size() + 1; }
};

graph::Window calls_of(const StorageMove& move, size_t rank, graph::SignatureTable* signatures);

// Where a storage of which nothing is asked may lie on another mesh: at the places where it is
// split already, along the longest axes, so that ranks do not come to hold much more of it.
compiler::StorageLayout layout_on(const compiler::Mesh& mesh, const compiler::StorageLayout& now);

}  // namespace moai::driver
