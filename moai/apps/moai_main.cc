// moai: see moai/toolkit/moai.h.
#include "moai/toolkit/moai.h"

int main(int argc, char** argv) {
  return moai::toolkit::run_program(argc, argv, MOAI_VERSION, moai::toolkit::moai_command);
}
