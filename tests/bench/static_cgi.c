/* The floor for a CGI program: a static C program that prints the answer it was compiled with (answer.h). */
#include <unistd.h>
#include "answer.h"

int main(void) {
    return write(1, ANSWER, sizeof ANSWER - 1) == (ssize_t)(sizeof ANSWER - 1) ? 0 : 1;
}
