// What libraries write to standard output and error while the screen is up would land in the middle
// of it. It goes to a nameless file instead and is printed when the screen is gone.
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { PRINTED_AT_MOST = 1 << 20 };

static struct {
  int original, kept;
} streams[2] = {{-1, -1}, {-1, -1}};

static int nameless_file(void) {
#ifdef __linux__
  int memory = memfd_create("bitladder", MFD_CLOEXEC);
  if (memory >= 0) return memory;
#endif
  FILE *file = tmpfile();
  if (!file) return -1;
  int descriptor = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
  fclose(file);
  return descriptor;
}

void ct_capture(void) {
  fflush(stdout);
  for (int i = 0; i < 2; i++) {
    int stream = i + 1;
    if (streams[i].kept >= 0 || !isatty(stream)) continue;
    int kept = nameless_file();
    if (kept < 0) continue;
    // Appended to, so that what two descriptors of it write doesn't overlap.
    fcntl(kept, F_SETFL, fcntl(kept, F_GETFL) | O_APPEND);
    int original = fcntl(stream, F_DUPFD_CLOEXEC, 3);
    if (original < 0 || dup2(kept, stream) < 0) {
      if (original >= 0) close(original);
      close(kept);
      continue;
    }
    streams[i].original = original;
    streams[i].kept = kept;
  }
}

void ct_release(void) {
  for (int i = 0; i < 2; i++) {
    int kept = streams[i].kept, original = streams[i].original;
    if (kept < 0) continue;
    streams[i].kept = -1;
    dup2(original, i + 1);
    char buffer[4096];
    off_t at = 0;
    while (at < PRINTED_AT_MOST) {
      ssize_t size = pread(kept, buffer, sizeof buffer, at);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) break;
      at += size;
      for (ssize_t done = 0; done < size;) {
        ssize_t written = write(original, buffer + done, (size_t)(size - done));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) { at = PRINTED_AT_MOST; break; }
        done += written;
      }
    }
    close(kept);
    close(original);
  }
}
