// Pseudo-terminals, for driving programs from tests.
#include "CTerminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool ct_pseudo_terminal(int *primary, char *name, size_t name_size) {
  int descriptor = posix_openpt(O_RDWR | O_NOCTTY);
  if (descriptor < 0) return false;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  const char *secondary;
  if (grantpt(descriptor) != 0 || unlockpt(descriptor) != 0 ||
      !(secondary = ptsname(descriptor)) || strlen(secondary) >= name_size) {
    close(descriptor);
    return false;
  }
  strcpy(name, secondary);
  *primary = descriptor;
  return true;
}

bool ct_set_size(int descriptor, int columns, int rows) {
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  return ioctl(descriptor, TIOCSWINSZ, &size) == 0;
}
