/** Where ssh servers listen by default. */
export const SSH_PORT = 22;
