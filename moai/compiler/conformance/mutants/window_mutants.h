// Mistakes of a pass that makes one window of another.
#pragma once

#include <random>
#include <string>

#include "moai/graph/window.h"

namespace moai::compiler {

enum class WindowMistake {
  kDroppedCall,
  kDoubledCall,     // an accumulation that is made twice
  kWrongSlice,      // a copy of a part that begins elsewhere
  kWrongOrder,      // a call before one that makes what it reads
  kAnotherStorage,  // an operand is another of the same size
  kOtherNumbers,    // a call draws others
  kReleasedEarly,
};
inline constexpr WindowMistake kWindowMistakes[] = {
    WindowMistake::kDroppedCall,  WindowMistake::kDoubledCall,    WindowMistake::kWrongSlice,
    WindowMistake::kWrongOrder,   WindowMistake::kAnotherStorage, WindowMistake::kOtherNumbers,
    WindowMistake::kReleasedEarly};

// Makes one somewhere; false where there is no place for it.
bool make_mistake(WindowMistake mistake, std::mt19937* random, graph::SignatureTable* signatures,
                  graph::Window* w);

}  // namespace moai::compiler
