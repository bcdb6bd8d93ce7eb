// The screen: curses draws, and only draws. Keys are read by the caller, which knows more forms of
// them than terminfo does, and has to tell pasted text from typed.
#include "internal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

static SCREEN *screen;
static FILE *screen_file;
static char terminal_name[128];
static bool colour, reports, mouse;

// Curses before 6.1 has pairs up to 255 only.
#if defined(NCURSES_EXT_COLORS) && NCURSES_EXT_COLORS
enum { MOST_PAIRS = 4095 };
#define make_pair(pair, foreground, background) init_extended_pair(pair, foreground, background)
#define set_cell(cell, text, bits, pair) setcchar(cell, text, bits, 0, &(pair))
#else
enum { MOST_PAIRS = 255 };
#define make_pair(pair, foreground, background)                                                    \
  init_pair((short)(pair), (short)(foreground), (short)(background))
#define set_cell(cell, text, bits, pair) setcchar(cell, text, bits, (short)(pair), NULL)
#endif

// Pairs by (background, foreground), each from -1 (the terminal's own) to 255. 0: not made yet.
static uint16_t pairs[257][257];
static int pair_count, pair_limit;

static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";
static const char mouse_on[] = "\033[?1000h\033[?1006h";
static const char mouse_off[] = "\033[?1006l\033[?1003l\033[?1002l\033[?1000l";

// MARK: Locale

static bool is_utf8(void) {
  const char *codeset = nl_langinfo(CODESET);
  return !strcasecmp(codeset, "UTF-8") || !strcasecmp(codeset, "UTF8");
}

bool ct_use_locale(void) {
  if (setlocale(LC_CTYPE, "") && is_utf8()) return true;
  // A locale that is asked for but not installed: its characters are known all the same.
  const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (!value || !*value) continue;
    if (!strcasestr(value, "utf-8") && !strcasestr(value, "utf8")) break;
    if ((setlocale(LC_CTYPE, "C.UTF-8") || setlocale(LC_CTYPE, "UTF-8")) && is_utf8()) return true;
    break;
  }
  setlocale(LC_CTYPE, "C");
  return false;
}

// MARK: Opening and closing

static const char *capability(const char *name) {
  const char *text = tigetstr((char *)name);
  return text && text != (char *)-1 ? text : NULL;
}

static ct_result choose_terminal(void) {
  static const char *const names[] = {NULL, "xterm-256color", "xterm", "ansi", "vt100"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *name = names[i] ? names[i] : getenv("TERM");
    int status = 0;
    if (!name || setupterm((char *)name, STDOUT_FILENO, &status) != OK) {
      // A generic entry is known, but is no terminal.
      if (i == 0 && status == 0 && name && !strcmp(name, "dumb")) return CT_DUMB;
      continue;
    }
    bool moves = capability("cup") != NULL;
    del_curterm(cur_term);
    if (!moves && i == 0) return CT_DUMB;
    if (!moves) continue;
    snprintf(terminal_name, sizeof terminal_name, "%s", name);
    return i == 0 ? CT_OPENED : CT_FELL_BACK;
  }
  return CT_UNKNOWN;
}

// Copies a capability's bytes without its padding marks, which are $<...>. Returns how many.
static size_t unpadded(const char *text, char *into, size_t room) {
  size_t size = 0;
  while (text && *text && size < room) {
    const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
    if (end) text = end + 1;
    else into[size++] = *text++;
  }
  return size;
}

static void add_reset(const char *text) {
  ct_saved.reset_size += unpadded(text, ct_saved.reset + ct_saved.reset_size,
                                  sizeof ct_saved.reset - ct_saved.reset_size);
}

static void prepare_reset(void) {
  ct_saved.reset_size = 0;
  if (reports) {
    add_reset(mouse_off);
    add_reset(paste_off);
  }
  add_reset(capability("sgr0"));
  if (colour) add_reset(capability("op"));
  add_reset(capability("rmacs"));
  const char *leave = capability("rmcup");
  if (leave) {
    add_reset(leave);
  } else {
    const char *move = capability("cup");
    if (move) add_reset(tiparm(move, ct_rows() - 1, 0));
  }
  add_reset(capability("cnorm"));
  add_reset("\r\n");
}

// Past curses, which has nothing in hand between two frames.
static void send_bytes(const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = write(ct_saved.screen, bytes, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    bytes += sent;
    size -= (size_t)sent;
  }
}

static void send(const char *text) { send_bytes(text, strlen(text)); }

static void send_capability(const char *name) {
  char bytes[256];
  send_bytes(bytes, unpadded(capability(name), bytes, sizeof bytes));
}

static void reports_on(void) {
  if (!reports) return;
  send(paste_on);
  if (mouse) send(mouse_on);
}

static void reports_off(void) {
  if (!reports) return;
  send(mouse_off);
  send(paste_off);
}

static void free_descriptors(void) {
  if (screen_file) fclose(screen_file); // and ct_saved.screen with it
  else if (ct_saved.screen >= 0) close(ct_saved.screen);
  if (ct_saved.terminal >= 0) close(ct_saved.terminal);
  if (ct_saved.nothing >= 0) close(ct_saved.nothing);
  screen_file = NULL;
  ct_saved.screen = ct_saved.terminal = ct_saved.nothing = -1;
}

static void start_colour(void) {
  colour = start_color() == OK && has_colors();
  if (!colour) return;
  use_default_colors();
  memset(pairs, 0, sizeof pairs);
  pair_count = 0;
  pair_limit = COLOR_PAIRS - 1 < MOST_PAIRS ? COLOR_PAIRS - 1 : MOST_PAIRS;
}

ct_result ct_open(bool wants_colour) {
  if (screen) return CT_FAILED;
  ct_result result = choose_terminal();
  if (result != CT_OPENED && result != CT_FELL_BACK) return result;
  if (tcgetattr(STDIN_FILENO, &ct_saved.before) != 0) return CT_FAILED;
  ct_saved.screen = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ct_saved.terminal = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  ct_saved.nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  screen_file = ct_saved.screen >= 0 ? fdopen(ct_saved.screen, "w") : NULL;
  ct_saved.reset_size = 0;
  // Armed before curses starts: it leaves signals alone that are taken.
  if (!screen_file || ct_saved.terminal < 0 || ct_saved.nothing < 0 || !ct_arm()) {
    free_descriptors();
    return CT_FAILED;
  }
  // The size is the system's, not that of LINES and COLUMNS; without the second call, terminals whose
  // terminfo has no size (linux) would not start.
  use_env(FALSE);
  use_tioctl(TRUE);
  screen = newterm(terminal_name, screen_file, stdin);
  if (!screen) {
    ct_disarm();
    free_descriptors();
    return CT_UNKNOWN;
  }
  raw();
  noecho();
  nonl();
  typeahead(-1); // a frame once begun is finished, whatever is typed meanwhile
  curs_set(0);
  colour = false;
  if (wants_colour) start_colour();
  reports = capability("kmous") || tigetflag("XT") > 0;
  prepare_reset();
  ct_fit();
  reports_on();
  ct_capture();
  return result;
}

void ct_close(void) {
  if (!screen) return;
  reports_off();
  if (!capability("rmcup")) {
    // The screen stays as it is; what is printed next gets a line of its own.
    move(ct_rows() - 1, 0);
    clrtoeol();
    refresh();
  }
  endwin();
  tcsetattr(ct_saved.terminal, TCSADRAIN, &ct_saved.before);
  delscreen(screen);
  screen = NULL;
  colour = reports = mouse = false;
  fflush(stdout);
  ct_release();
  ct_disarm();
  free_descriptors();
}

const char *ct_terminal_name(void) { return terminal_name; }
int ct_colours(void) { return colour ? COLORS : 0; }
int ct_colour_pairs(void) { return pair_count; }
bool ct_reports(void) { return reports; }

void ct_use_mouse(bool on) {
  if (!screen || on == mouse) return;
  mouse = on;
  if (reports) send(on ? mouse_on : mouse_off);
}

void ct_send(const uint8_t *bytes, size_t count) {
  if (screen) send_bytes((const char *)bytes, count);
}

// MARK: Size

int ct_columns(void) { return screen ? getmaxx(stdscr) : 0; }
int ct_rows(void) { return screen ? getmaxy(stdscr) : 0; }

bool ct_fit(void) {
  struct winsize size;
  if (!screen || ioctl(ct_saved.terminal, TIOCGWINSZ, &size) != 0) return false;
  if (size.ws_col == 0 || size.ws_row == 0) return false;
  int width = size.ws_col < 2000 ? size.ws_col : 2000;
  int height = size.ws_row < 1000 ? size.ws_row : 1000;
  if (width == ct_columns() && height == ct_rows()) return false;
  if (resize_term(height, width) != OK) return false;
  prepare_reset();
  ct_repaint(); // what was drawn for another size meanwhile may be anywhere
  return true;
}

// MARK: Drawing

static int pair_for(int foreground, int background) {
  if (!colour || (foreground < 0 && background < 0)) return 0;
  uint16_t *pair = &pairs[background + 1][foreground + 1];
  if (*pair) return *pair;
  if (pair_count >= pair_limit) return 0;
  if (foreground >= COLORS || background >= COLORS) return 0;
  if (make_pair(pair_count + 1, foreground, background) != OK) return 0;
  *pair = (uint16_t)++pair_count;
  return *pair;
}

static attr_t attributes_for(uint32_t bits) {
  attr_t result = A_NORMAL;
  if (bits & CT_BOLD) result |= A_BOLD;
  if (bits & CT_DIM) result |= A_DIM;
  if (bits & CT_UNDERLINE) result |= A_UNDERLINE;
  if (bits & CT_REVERSE) result |= A_REVERSE;
  if (bits & CT_ITALIC) result |= A_ITALIC;
  return result;
}

void ct_begin(void) {
  if (screen) erase();
}

void ct_draw(int row, int column, const ct_cell *cells, int count, uint32_t bits, int foreground,
             int background) {
  if (!screen || row < 0 || column < 0 || row >= ct_rows()) return;
  enum { BATCH = 256 };
  cchar_t batch[BATCH];
  int used = 0, next = column, pair = pair_for(foreground, background);
  attr_t attributes = attributes_for(bits);
  for (int i = 0; i < count; i++) {
    const ct_cell *cell = &cells[i];
    wchar_t text[4] = {(wchar_t)cell->scalars[0], 0, 0, 0};
    // Where the C library knows another width, or none, columns would drift: a mark is shown.
    bool known = text[0] < 0x7F ? text[0] >= ' ' : wcwidth(text[0]) == (int)cell->width;
    if (!known) text[0] = '?';
    for (int mark = 1, kept = 1; known && mark < 3 && cell->scalars[mark]; mark++) {
      wchar_t scalar = (wchar_t)cell->scalars[mark];
      if (wcwidth(scalar) == 0) text[kept++] = scalar;
    }
    set_cell(&batch[used++], text, attributes, pair);
    if (!known && cell->width == 2) set_cell(&batch[used++], L" ", attributes, pair);
    if (used >= BATCH - 1 || i == count - 1) {
      mvadd_wchnstr(row, column, batch, used); // ERR after the last column is no error
      used = 0;
      column = next + (int)cell->width;
    }
    next += (int)cell->width;
  }
}

void ct_end(int row, int column) {
  if (!screen) return;
  bool visible = row >= 0 && column >= 0 && row < ct_rows() && column < ct_columns();
  if (visible) move(row, column);
  curs_set(visible ? 1 : 0);
  wnoutrefresh(stdscr);
  doupdate();
}

void ct_repaint(void) {
  if (screen) clearok(curscr, TRUE);
}

// MARK: Stopping and going on

// Not with endwin and refresh: those put a standard palette in place of the user's.
void ct_resume(void) {
  if (!screen) return;
  reset_prog_mode();
  send_capability("smcup");
  send_capability("sgr0");
  curs_set(1); // whatever it was
  curs_set(0);
  reports_on();
  ct_fit();
  ct_repaint();
}

void ct_suspend(void) {
  if (!screen) return;
  send_bytes(ct_saved.reset, ct_saved.reset_size);
  tcsetattr(ct_saved.terminal, TCSADRAIN, &ct_saved.before);
  struct sigaction standard = {.sa_handler = SIG_DFL}, ours;
  sigaction(SIGTSTP, &standard, &ours);
  // The whole job, as the terminal would do it. Where nobody could continue us, nothing stops.
  kill(0, SIGTSTP);
  ct_await_continue();
  sigaction(SIGTSTP, &ours, NULL);
  ct_resume();
}

// MARK: Keys

const char *ct_key_bytes(int index, int *key) {
  static const struct {
    const char *name;
    int key;
  } keys[] = {
      {"kcuu1", CT_KEY_UP},        {"kcud1", CT_KEY_DOWN},        {"kcub1", CT_KEY_LEFT},
      {"kcuf1", CT_KEY_RIGHT},     {"kpp", CT_KEY_PAGE_UP},       {"knp", CT_KEY_PAGE_DOWN},
      {"khome", CT_KEY_HOME},      {"kend", CT_KEY_END},          {"kich1", CT_KEY_INSERT},
      {"kdch1", CT_KEY_DELETE},    {"kcbt", CT_KEY_BACK_TAB},     {"kri", CT_KEY_SHIFT_UP},
      {"kind", CT_KEY_SHIFT_DOWN}, {"kLFT", CT_KEY_SHIFT_LEFT},   {"kRIT", CT_KEY_SHIFT_RIGHT},
      {"kf1", CT_KEY_F1},          {"kf2", CT_KEY_F1 + 1},        {"kf3", CT_KEY_F1 + 2},
      {"kf4", CT_KEY_F1 + 3},      {"kf5", CT_KEY_F1 + 4},        {"kf6", CT_KEY_F1 + 5},
      {"kf7", CT_KEY_F1 + 6},      {"kf8", CT_KEY_F1 + 7},        {"kf9", CT_KEY_F1 + 8},
      {"kf10", CT_KEY_F1 + 9},     {"kf11", CT_KEY_F1 + 10},      {"kf12", CT_KEY_F1 + 11},
  };
  if (!screen || index < 0 || (size_t)index >= sizeof keys / sizeof *keys) return NULL;
  *key = keys[index].key;
  const char *bytes = capability(keys[index].name);
  return bytes ? bytes : "";
}
