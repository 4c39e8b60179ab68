// custody-clinic: a station of a hospital.
#include "client/programs.h"

int main(int argc, char** argv) {
  const custody::Program program{
      "custody-clinic", "A clinic's station on the custody ledger of autologous cell therapies.",
      true};
  return custody::RunMain(program, argc, argv);
}
