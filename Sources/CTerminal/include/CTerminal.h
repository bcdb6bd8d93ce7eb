#ifndef BITLADDER_CTERMINAL_H
#define BITLADDER_CTERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The one door to curses, termios and signals. Nothing of <curses.h> shows here. All calls but those
// marked otherwise belong to one thread, and there is one terminal to a process.

// Sets LC_CTYPE (and nothing else) from the environment. True if characters are UTF-8.
bool ct_use_locale(void);

typedef enum {
  CT_OPENED,    // as TERM says
  CT_FELL_BACK, // TERM isn't known here; ct_terminal_name says what is used instead
  CT_DUMB,      // TERM is known, but its cursor can't be moved
  CT_UNKNOWN,   // neither TERM nor any of the usual terminals is known
  CT_FAILED     // out of descriptors or memory; errno says which
} ct_result;

// Takes over the terminal on standard input and output: alternate screen, raw keys, hidden cursor.
// What is written to descriptors 1 and 2 until ct_close is kept aside and printed afterwards.
ct_result ct_open(bool colour);
// Gives the terminal back as it was. May be called twice.
void ct_close(void);
const char *ct_terminal_name(void);
int ct_colours(void);    // 0 without colour
int ct_colour_pairs(void); // pairs in use so far
// Whether mouse and paste reports can be asked for.
bool ct_reports(void);
void ct_use_mouse(bool on);
// Bytes for the terminal itself that draw nothing, between two frames.
void ct_send(const uint8_t *bytes, size_t count);

int ct_columns(void);
int ct_rows(void);
// Asks the system for the size and takes it. True if it has changed.
bool ct_fit(void);

enum { CT_BOLD = 1, CT_DIM = 2, CT_UNDERLINE = 4, CT_REVERSE = 8, CT_ITALIC = 16 };

// A character and up to two marks on it, ended by 0 if fewer; the columns it takes, 1 or 2.
typedef struct {
  uint32_t scalars[3];
  uint32_t width;
} ct_cell;

// A frame: begin, draw runs of cells in one style, end. Colours are 0...255 or -1 for the terminal's own.
void ct_begin(void);
void ct_draw(int row, int column, const ct_cell *cells, int count, uint32_t attributes,
             int foreground, int background);
void ct_end(int cursor_row, int cursor_column); // -1, -1: no cursor
// The next frame is sent whole.
void ct_repaint(void);

// Lets the shell have the terminal until the job is continued.
void ct_suspend(void);
// After a stop that came without notice: takes the terminal again.
void ct_resume(void);

// The terminal's own name for a key, for index 0, 1, ... until NULL; *key is one of CT_KEY_...
enum {
  CT_KEY_UP, CT_KEY_DOWN, CT_KEY_LEFT, CT_KEY_RIGHT, CT_KEY_PAGE_UP, CT_KEY_PAGE_DOWN, CT_KEY_HOME,
  CT_KEY_END, CT_KEY_INSERT, CT_KEY_DELETE, CT_KEY_BACK_TAB, CT_KEY_SHIFT_UP, CT_KEY_SHIFT_DOWN,
  CT_KEY_SHIFT_LEFT, CT_KEY_SHIFT_RIGHT, CT_KEY_F1 // ... CT_KEY_F1 + 11
};
const char *ct_key_bytes(int index, int *key);

// Readable when a signal has come in.
int ct_signal_descriptor(void);
// Those that came since the last call, bit n for signal n; empties the pipe.
uint32_t ct_take_signals(void);
// The terminal is gone: SIGHUP will come, and is to be taken as said already.
void ct_expect_end(void);
// Ends the process by that signal, as if it had never been caught.
_Noreturn void ct_die(int signal);

// A pipe that neither blocks nor is inherited. False if there are no descriptors left. Any thread.
bool ct_pipe(int descriptors[2]);
// The two ends of a new pseudo-terminal. False if there is none to be had. Any thread.
bool ct_pseudo_terminal(int *primary, char *name, size_t name_size);
// Tells the terminal behind a descriptor its size (which also sends SIGWINCH). Any thread.
bool ct_set_size(int descriptor, int columns, int rows);

#endif
