/* A PKCS#11 module that misbehaves as one macro says. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CKR_OK 0UL
#define CKR_GENERAL_ERROR 5UL

/* CK_FUNCTION_LIST of PKCS#11 2.40: the version, then 68 functions. C_Finalize is the second, C_Encrypt the 31st. */
struct function_list {
    unsigned char version[2];
    void *functions[68];
};
enum { FINALIZE = 1, ENCRYPT = 30 };

typedef unsigned long (*get_function_list)(struct function_list **);

unsigned long encrypt(unsigned long session, void *data, unsigned long length, void *out, unsigned long *out_length)
{
#if defined(ABORT_IN_ENCRYPT)
    abort();
#elif defined(HANG_IN_ENCRYPT)
    const char *marker = getenv("BAD_MODULE_MARKER");
    if (marker)
        close(open(marker, O_CREAT | O_WRONLY, 0600));
    for (;;)
        pause();
#endif
    (void)session, (void)data, (void)length, (void)out;
    *out_length = 5;
    return CKR_OK;
}

unsigned long finalize(void *reserved)
{
    (void)reserved;
    return CKR_GENERAL_ERROR;
}

#ifndef NO_FUNCTION_LIST
unsigned long C_GetFunctionList(struct function_list **list)
{
#if defined(ABORT_AT_ONCE)
    abort();
#elif defined(HANG_AT_ONCE)
    for (;;)
        pause();
#elif defined(FAIL_AT_ONCE)
    return CKR_GENERAL_ERROR;
#elif defined(NULL_FUNCTION_LIST)
    *list = NULL;
    return CKR_OK;
#else
    static struct function_list changed;
    void *module = dlopen(REAL_MODULE, RTLD_NOW);
    get_function_list real = (get_function_list)dlsym(module, "C_GetFunctionList");
    unsigned long result = real(list);
    changed = **list;
#if defined(FAIL_IN_FINALIZE)
    changed.functions[FINALIZE] = (void *)finalize;
#else
    changed.functions[ENCRYPT] = (void *)encrypt;
#endif
    *list = &changed;
    return result;
#endif
}
#endif
