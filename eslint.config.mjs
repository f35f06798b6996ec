import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/bin/", "components/sdks/", "**/node_modules/"] },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    // `const { left, out, ...rest }` is how a property is left out.
    rules: {
      "@typescript-eslint/no-unused-vars": [
        "error",
        { ignoreRestSiblings: true },
      ],
    },
  },
  prettier,
  { languageOptions: { globals: globals.node } },
  { files: ["tests/**/*.ts"], languageOptions: { globals: globals.mocha } },
);
