// What a key can do. Parts of the page register their commands when they are mounted; the keyboard
// runs them by name.

const commands = {};

/** Register commands: an object of functions by name. */
export const register = (named) => Object.assign(commands, named);

/** Run a command; nothing happens where its part is not on the page. */
export const run = (name, ...values) => commands[name]?.(...values);
