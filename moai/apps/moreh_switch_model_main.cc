// moreh-switch-model: see moai/toolkit/moreh_switch_model.h.
#include "moai/toolkit/moreh_switch_model.h"

int main(int argc, char** argv) {
  return moai::toolkit::run_program(argc, argv, MOAI_VERSION, moai::toolkit::moreh_switch_model);
}
