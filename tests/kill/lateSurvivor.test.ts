import assert from "node:assert/strict";
import { EngineRun } from "../support/killHarness/engineRun";
import { recover } from "../support/killHarness/recovery";
import { madeObject, type Step, stepsOf } from "../support/killHarness/steps";
import { Subject } from "../support/killHarness/subject";
import { whenFileAppears, whenStepStarts } from "../support/killHarness/watch";
import { needsPrivateLibvirt } from "../support/privateLibvirt";

const PROVIDER = /^terraform-provider-libvirt/;
/** A virsh that looks at a daemon which stands still hangs until that goes on, and changes nothing. */
const MAKES_SOMETHING = /^(?!virsh$)/;

describe("corral up while a provider of a killed run is still at work", () => {
  let subject: Subject;
  let steps: Step[];
  let run: EngineRun | undefined;

  before(needsPrivateLibvirt);

  beforeEach(async () => {
    subject = await Subject.make("survivor");
    steps = await stepsOf(subject.stack);
  });

  afterEach(async () => {
    await run?.endAll();
    await subject.abandon();
  });

  it("ends it before it looks, though the daemon answers nobody for now", async () => {
    const { libvirt, stack } = subject;
    const domain = stepNamed(steps, "web-domain");
    const killed = (run = EngineRun.start(stack, subject.nextRun()));
    await whenAppears(subject, killed, domain, () => {
      libvirt.freezeDaemon();
      killed.kill();
    });
    await killed.ended();
    assert.notDeepEqual(killed.processes(), [], "nothing outlived the engine");

    const whenEnded = async () => {
      const isEnded = await killed.waitUntilGoneOf(MAKES_SOMETHING, 30);
      const left = killed.processes().map(({ name }) => name);
      libvirt.thawDaemon();
      return { isEnded, left };
    };
    const [{ isEnded, left }] = await Promise.all([
      whenEnded(),
      recover(subject, killed),
    ]);
    assert.ok(isEnded, `lived on while the daemon stood still: ${left.join()}`);
  });

  it("leaves none that could make its object later", async () => {
    const { stack } = subject;
    const volume = stepNamed(steps, "web-root");
    const killed = (run = EngineRun.start(stack, subject.nextRun()));
    const started = whenStepStarts(killed.eventLog, volume.urn, () => {
      killed.freezePlugins(PROVIDER);
      killed.kill();
    });
    await killed.ended();
    assert.ok(await started.came, killed.output);

    // A frozen process takes no SIGTERM. Were it alive after `corral up`, it would go on here.
    await recover(subject, killed);
    killed.thawPlugins(PROVIDER);
    assert.deepEqual(await killed.waitUntilGone(5), []);
    assert.deepEqual(await subject.leftBehind(), []);
  });
});

function stepNamed(steps: readonly Step[], name: string): Step {
  const step = steps.find((each) => each.name === name);
  assert.ok(step, `the stack under test has no step ${name}`);
  return step;
}

/** Calls back at the moment that a step's object appears on the hypervisor. */
async function whenAppears(
  subject: Subject,
  run: EngineRun,
  step: Step,
  then: () => void,
): Promise<void> {
  const object = madeObject(step, subject.prefix);
  assert.ok(object, `${step.name} makes nothing on the hypervisor`);
  const started = whenStepStarts(run.eventLog, step.urn, () => undefined);
  assert.ok(await started.came, run.output);
  const { came } = whenFileAppears(subject.folderOf(object), object.file, then);
  assert.ok(await came, run.output);
}
