/* The peer for a FastCGI worker: the C library's accept loop, printing the answer it was compiled with (answer.h). */
#include <fcgiapp.h>
#include "answer.h"

int main(void) {
    FCGX_Request request;
    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) return 1;
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_PutStr(ANSWER, sizeof ANSWER - 1, request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}
