// moreh-smi: see moai/toolkit/moreh_smi.h.
#include "moai/toolkit/moreh_smi.h"

int main(int argc, char** argv) {
  return moai::toolkit::run_program(argc, argv, MOAI_VERSION, moai::toolkit::moreh_smi);
}
