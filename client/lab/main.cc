// custody-lab: a station of a manufacturer, a warehouse or a carrier.
#include "client/programs.h"

int main(int argc, char** argv) {
  const custody::Program program{
      "custody-lab", "A laboratory's station on the custody ledger of autologous cell therapies.",
      false};
  return custody::RunMain(program, argc, argv);
}
