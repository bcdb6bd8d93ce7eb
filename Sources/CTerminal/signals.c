// Whatever ends the process, the terminal is given back first.
//
// Requests (INT TERM HUP QUIT, and TSTP CONT WINCH) only leave a bit and a byte in a pipe: the loop
// takes them up and can still save. One that comes again a second later finds a loop that doesn't
// react, and ends the process at once. Not sooner: a closing terminal sends SIGHUP twice.
//
// Faults (ILL TRAP ABRT SEGV BUS FPE) give the terminal back with the few calls that are allowed in
// a handler, print where it was, then die of the same signal, so that the exit status is kept and
// the core is dumped as the system has it.
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define CT_UNWINDS 1
#endif

ct_rescue ct_saved = {.screen = -1, .terminal = -1, .nothing = -1};

static const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
static const int requests[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
enum {
  FAULTS = sizeof faults / sizeof *faults,
  REQUESTS = sizeof requests / sizeof *requests
};

static struct sigaction found[FAULTS + REQUESTS];
static int wake[2] = {-1, -1};
static atomic_uint pending;
static atomic_bool armed, given_back;
static _Atomic long long first_request; // milliseconds, 0 if none
static char *fault_stack;

// Returns whether this call did it.
static bool give_back(void) {
  if (!atomic_load(&armed)) return false;
  if (atomic_exchange(&given_back, true)) {
    poll(NULL, 0, 1000); // another thread is at it, and will end the process
    return false;
  }
  // Nothing that the loop's thread may be writing reaches the terminal any more.
  dup2(ct_saved.nothing, ct_saved.screen);
  signal(SIGTTOU, SIG_IGN);
  size_t done = 0;
  while (done < ct_saved.reset_size) {
    ssize_t size = write(ct_saved.terminal, ct_saved.reset + done, ct_saved.reset_size - done);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    done += (size_t)size;
  }
  tcsetattr(ct_saved.terminal, TCSANOW, &ct_saved.before);
  ct_release();
  return true;
}

static void end_by(int number) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(number, &standard, NULL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  raise(number);
}

static void print(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) { /* nobody to tell */ }
}

static const char *name_of(int number) {
  switch (number) {
  case SIGILL: return "SIGILL";
  case SIGTRAP: return "SIGTRAP";
  case SIGABRT: return "SIGABRT";
  case SIGSEGV: return "SIGSEGV";
  case SIGBUS: return "SIGBUS";
  default: return "SIGFPE";
  }
}

// The calls that led here, innermost first. Unwinding may take a lock that the fault left taken, so
// the plain line comes before it, and it has no more than some seconds. A fault in here ends the
// process at once: all signals are blocked, and this is after all has been given back.
static void print_place(int number) {
  print("bitladder: a defect in the program (");
  print(name_of(number));
  print("), at:\n");
#if CT_UNWINDS
  signal(SIGALRM, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &only, NULL);
  alarm(5);
  void *frames[64];
  // The first two are this one and the handler.
  int count = backtrace(frames, sizeof frames / sizeof *frames);
  if (count > 2) backtrace_symbols_fd(frames + 2, count - 2, STDERR_FILENO);
  alarm(0);
#endif
}

static void on_fault(int number) {
  if (give_back()) print_place(number);
  end_by(number);
}

static bool ends_process(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

// Notes that the process was asked to end. Returns how many milliseconds ago it first was.
static long long note_request(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  long long now = (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000 + 1, first = 0;
  return atomic_compare_exchange_strong(&first_request, &first, now) ? 0 : now - first;
}

void ct_expect_end(void) { note_request(); }

static void on_request(int number) {
  int error = errno;
  if (ends_process(number) && note_request() >= 1000) {
    give_back();
    end_by(number);
  }
  atomic_fetch_or(&pending, 1u << number);
  if (write(wake[1], "", 1) < 0) { /* full: the loop will wake up anyway */ }
  errno = error;
}

static void on_exit_call(void) { give_back(); }

static bool ignored(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool ct_arm(void) {
  if (!ct_pipe(wake)) return false;
  static bool registered;
  if (!registered) registered = atexit(on_exit_call) == 0;
  atomic_store(&pending, 0);
  atomic_store(&first_request, 0);
  atomic_store(&given_back, false);
  atomic_store(&armed, true);

#if CT_UNWINDS
  // The first call loads a library, which a handler must not.
  void *frame;
  backtrace(&frame, 1);
#endif
  stack_t stack;
  if (!fault_stack && sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE)) {
    size_t size = 64 * 1024;
    fault_stack = malloc(size);
    if (fault_stack) sigaltstack(&(stack_t){.ss_sp = fault_stack, .ss_size = size}, NULL);
  }

  struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
  sigfillset(&fault.sa_mask);
  for (int i = 0; i < FAULTS; i++) sigaction(faults[i], &fault, &found[i]);

  struct sigaction request = {.sa_handler = on_request, .sa_flags = SA_ONSTACK | SA_RESTART};
  sigfillset(&request.sa_mask);
  for (int i = 0; i < FAULTS; i++) sigdelset(&request.sa_mask, faults[i]);
  for (int i = 0; i < REQUESTS; i++) {
    sigaction(requests[i], NULL, &found[FAULTS + i]);
    // As nohup and shells without job control have it.
    if (!ignored(requests[i])) sigaction(requests[i], &request, NULL);
  }
  return true;
}

void ct_disarm(void) {
  if (!atomic_exchange(&armed, false)) return;
  for (int i = 0; i < FAULTS; i++) sigaction(faults[i], &found[i], NULL);
  // Once asked to end, the program is ending, and may yet be saving: it isn't killed by the same
  // request that comes again.
  bool ending = atomic_load(&first_request) != 0;
  for (int i = 0; i < REQUESTS; i++) {
    if (ending && ends_process(requests[i])) continue;
    sigaction(requests[i], &found[FAULTS + i], NULL);
  }
  close(wake[0]);
  close(wake[1]);
  wake[0] = wake[1] = -1;
}

int ct_signal_descriptor(void) { return wake[0]; }

uint32_t ct_take_signals(void) {
  char buffer[256];
  while (wake[0] >= 0 && read(wake[0], buffer, sizeof buffer) > 0) continue;
  return atomic_exchange(&pending, 0);
}

void ct_await_continue(void) {
  const unsigned stops = 1u << SIGCONT | 1u << SIGTSTP;
  for (int i = 0; i < 20 && !(atomic_load(&pending) & 1u << SIGCONT); i++) poll(NULL, 0, 10);
  atomic_fetch_and(&pending, ~stops);
}

_Noreturn void ct_die(int number) {
  end_by(number);
  _exit(128 + number);
}

bool ct_pipe(int descriptors[2]) {
  if (pipe(descriptors) != 0) {
    descriptors[0] = descriptors[1] = -1;
    return false;
  }
  for (int i = 0; i < 2; i++) {
    fcntl(descriptors[i], F_SETFL, O_NONBLOCK);
    fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
  }
  return true;
}
