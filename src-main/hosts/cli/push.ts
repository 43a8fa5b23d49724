/** `push`: an adapter and its card to Hugging Face's hub. */
import type { Command } from './command.ts';

export const push: Command = {
  name: 'push',
  positionals: [],
  summary: "Sends an adapter's PEFT folder with a card to Hugging Face; needs a token with the right to write.",
  options: {
    adapter: { type: 'string', value: 'ID', help: 'adapter of the catalogue' },
    to: { type: 'string', value: 'OWNER/NAME', help: 'repository; made where it is missing' },
    private: { type: 'boolean', help: 'make the repository private (public)' },
    'dry-run': { type: 'boolean', help: 'only show the card and the files; nothing is sent' },
  },
  async run({ args, services, print, say }) {
    const adapterId = args.required('adapter', 'the id of an adapter of the catalogue');
    const to = args.required('to', 'OWNER/NAME');
    const request = { adapterId, to, isPrivate: args.flag('private') };
    if (args.flag('dry-run')) {
      const { repository, card, files } = await services.pushes.plan(request);
      const names = files.map(({ name }) => name);
      print(`${repository}: ${names.join(', ')}\n\n${card}`);
      return { repository, card, files: names };
    }
    say(`Sending ${adapterId} to ${to} …`);
    const result = await services.pushes.push(request);
    print(`${result.files.join(', ')}: commit ${result.commit.slice(0, 12)}`);
    print(result.url);
    return result;
  },
};
