#ifndef BITLADDER_CTERMINAL_INTERNAL_H
#define BITLADDER_CTERMINAL_INTERNAL_H

#include "CTerminal.h"
#include <termios.h>

// What the signal handlers need, filled in before they are armed.
typedef struct {
  int screen;            // where curses writes; cut off before the terminal is given back
  int terminal;          // where the last bytes go
  int nothing;           // /dev/null
  struct termios before; // as it was found
  char reset[512];       // bytes that undo what was switched on
  size_t reset_size;
} ct_rescue;

extern ct_rescue ct_saved;

bool ct_arm(void);
void ct_disarm(void);
// Waits for SIGCONT, a fifth of a second at most, and takes it; other signals stay.
void ct_await_continue(void);

// Puts descriptors 1 and 2 aside / back, printing what was kept. The latter is safe in a handler.
void ct_capture(void);
void ct_release(void);

#endif
