import { plural, texts } from './language.ts'

export const welcome = texts({
  en: {
    title: 'Lend a little of your connection',
    lead: 'Waystation helps the apps of other people to reach each other. Nothing is relayed before you say so here, and one click takes it back.',
    changeTitle: 'Whom you help, and what it may cost',
    changeLead:
      'You have opted in. Here you can choose anew; what you change is in force as soon as you save it.',
    what: {
      title: 'What relaying is',
      first: 'Two devices behind home routers often cannot reach each other directly.',
      second:
        'Your computer can stand between them: it takes the data of one and hands it on to the other, for as long as they need it.',
      third:
        'The data is encrypted from end to end, so it passes through without being read, and nothing of it is stored.'
    },
    seen: {
      title: 'What others can see',
      ip: 'Your IP address, as with any website that you visit.',
      relay: 'That you run a relay, and since when.',
      never:
        'Never what is on your computer. And neither you nor Waystation can read what they send each other.'
    },
    limits: {
      title: 'What it may cost',
      rate: 'Speed, in each direction',
      quota: 'Data in a month, all together',
      exactly: (label: string) => `${label}, exactly`,
      noLimit: 'no limit',
      locked: (name: string) => `Set by ${name}; this page cannot change it.`,
      notNumber: 'Type a number above 0, such as 10 or 2.5.'
    },
    cost: {
      both: (quota: string, rate: string) => `At most ${quota} a month, ${rate}`,
      quota: (quota: string) => `At most ${quota} a month, as fast as your line is`,
      rate: (rate: string) => `At most ${rate}, as much data as comes`,
      none: 'As much as comes, as fast as your line is',
      line: (rate: string) =>
        `Your line then carries up to ${rate} down and up, because everything that comes in goes out again.`,
      lineUnlimited: 'Without a limit of speed it may use all of your line, and other things become slow.',
      core: (busy: string, month: string) =>
        `${busy} of one processor core at full speed; ${month} averaged over a month that uses up the data.`,
      coreBusy: (busy: string) =>
        `${busy} of one processor core at full speed, also averaged over the month.`,
      coreMonth: (month: string) =>
        `${month} of one processor core, averaged over a month that uses up the data.`,
      coreEach: (each: string) => `${each} of one processor core for each 10 Mbit/s in both directions.`,
      about: (share: string) => `about ${share}`,
      tiny: 'less than 0.1%',
      processor: 'Processor',
      lineTitle: 'Your line',
      lasts: (time: string) =>
        `At full speed the month’s data would last ${time}; then it sleeps until the next month.`
    },
    whom: {
      title: 'Whom to help',
      nobody: 'Nobody yet',
      nobodyText: 'Then no one will find you: the node only waits for peers that were given its address.',
      ipfs: 'The public network of IPFS',
      ipfsText: (connections: string) =>
        `Many peers, so there is always someone to help. The cost: your node also answers the questions of its DHT, with ${connections} at once and traffic of its own by day and night, all of it counted in your monthly data.`,
      connections: (count: string) => `up to ${count} connections`,
      connectionsUnlimited: 'a great many connections',
      keep: 'The network of your settings',
      network: 'A network by its link or file',
      networkText: 'You get it from the people who run the network or make the app.',
      link: 'Link of the network',
      linkExample: 'waystation://join?…',
      file: 'Open a file …',
      fileTitle: 'File of a network',
      joins: 'This is what it would join. Nothing has been contacted yet.',
      name: 'Name',
      protocol: 'DHT protocol',
      bootstrap: (count: number) => plural(count, 'Peer to join through', 'Peers to join through'),
      namespaces: 'Told of as',
      unproven: 'The name is what its maker says; anyone can give a network any name.',
      missing: 'Paste the link of the network, or open its file; or choose another answer.',
      locked: (names: string) => `Set by ${names}; this page cannot change it.`
    },
    also: {
      title: 'What this also switches on',
      upnp: 'Port mapping on your router',
      upnpText:
        'Asks the router to forward ports to this computer, so that others can reach it. Taken back when Waystation ends.',
      updates: 'Look for updates',
      updatesText: 'Asks once a day whether there is a new version. Who offers it then sees your IP address.',
      login: 'Start when I log in',
      loginText: 'In the background, without a window.',
      loginNone: 'This system offers no start at login to this app.'
    },
    optIn: 'Opt in',
    notNow: 'Not now',
    save: 'Save',
    saveRestart: 'Save and restart the node',
    restartNote:
      'This needs a restart of the node: circuits that run will end, and peers reserve again by themselves.',
    back: 'Back',
    stop: 'Opt out',
    agreed: 'Thank you. The node is starting.',
    changed: 'Saved.',
    declined: 'Nothing is relayed. You can switch it on whenever you like.',
    lockedEnabled: (name: string) =>
      `Whether this node relays was set by ${name}; this page cannot change it.`
  },
  de: {
    title: 'Verleih ein wenig von deiner Verbindung',
    lead: 'Waystation hilft den Apps anderer Leute, einander zu erreichen. Nichts wird weitergeleitet, bevor du hier zustimmst, und ein Klick nimmt es zurück.',
    changeTitle: 'Wem du hilfst und was es kosten darf',
    changeLead:
      'Du hast zugestimmt. Hier kannst du neu wählen; was du änderst, gilt, sobald du es speicherst.',
    what: {
      title: 'Was Weiterleiten ist',
      first: 'Zwei Geräte hinter Routern zu Hause erreichen einander oft nicht direkt.',
      second:
        'Dein Rechner kann zwischen ihnen stehen: Er nimmt die Daten des einen und gibt sie dem anderen weiter, solange sie es brauchen.',
      third:
        'Die Daten sind von Ende zu Ende verschlüsselt; sie gehen ungelesen hindurch, und nichts davon wird gespeichert.'
    },
    seen: {
      title: 'Was andere sehen können',
      ip: 'Deine IP-Adresse, wie bei jeder Website, die du besuchst.',
      relay: 'Dass du ein Relay betreibst und seit wann.',
      never:
        'Nie, was auf deinem Rechner ist. Und weder du noch Waystation kann lesen, was sie einander schicken.'
    },
    limits: {
      title: 'Was es kosten darf',
      rate: 'Geschwindigkeit, in jede Richtung',
      quota: 'Daten im Monat, alles zusammen',
      exactly: label => `${label}, genau`,
      noLimit: 'unbegrenzt',
      locked: name => `Von ${name} gesetzt; diese Seite kann das nicht ändern.`,
      notNumber: 'Gib eine Zahl über 0 ein, etwa 10 oder 2,5.'
    },
    cost: {
      both: (quota, rate) => `Höchstens ${quota} im Monat, ${rate}`,
      quota: quota => `Höchstens ${quota} im Monat, so schnell deine Leitung ist`,
      rate: rate => `Höchstens ${rate}, so viele Daten, wie kommen`,
      none: 'So viel, wie kommt, so schnell deine Leitung ist',
      line: rate =>
        `Deine Leitung trägt dann bis zu ${rate} hinein und hinaus, denn alles, was hereinkommt, geht wieder hinaus.`,
      lineUnlimited:
        'Ohne Grenze der Geschwindigkeit kann es deine ganze Leitung nutzen, und anderes wird langsam.',
      core: (busy, month) =>
        `Bei voller Geschwindigkeit ${busy} eines Prozessorkerns; ${month} im Mittel über einen Monat, der die Daten aufbraucht.`,
      coreBusy: busy =>
        `Bei voller Geschwindigkeit ${busy} eines Prozessorkerns, auch im Mittel über den Monat.`,
      coreMonth: month =>
        `Im Mittel ${month} eines Prozessorkerns, über einen Monat, der die Daten aufbraucht.`,
      coreEach: each => `Für je 10 Mbit/s in beide Richtungen ${each} eines Prozessorkerns.`,
      about: share => `etwa ${share}`,
      tiny: 'weniger als 0,1 %',
      processor: 'Prozessor',
      lineTitle: 'Deine Leitung',
      lasts: time =>
        `Bei voller Geschwindigkeit würden die Daten des Monats ${time} reichen; dann schläft es bis zum nächsten Monat.`
    },
    whom: {
      title: 'Wem helfen',
      nobody: 'Noch niemandem',
      nobodyText:
        'Dann findet dich niemand: Der Knoten wartet nur auf Peers, denen jemand seine Adresse gegeben hat.',
      ipfs: 'Dem öffentlichen Netz von IPFS',
      ipfsText: connections =>
        `Viele Peers, also gibt es immer jemanden, dem du hilfst. Der Preis: Dein Knoten beantwortet auch die Fragen der DHT, mit ${connections} zugleich und eigenem Verkehr bei Tag und Nacht, der ganz auf deine Daten im Monat angerechnet wird.`,
      connections: count => `bis zu ${count} Verbindungen`,
      connectionsUnlimited: 'sehr vielen Verbindungen',
      keep: 'Dem Netz aus deinen Einstellungen',
      network: 'Einem Netz über seinen Link oder seine Datei',
      networkText: 'Du bekommst ihn von den Leuten, die das Netz betreiben oder die App machen.',
      link: 'Link des Netzes',
      linkExample: 'waystation://join?…',
      file: 'Datei öffnen …',
      fileTitle: 'Datei eines Netzes',
      joins: 'Dem würde er beitreten. Noch wurde mit niemandem Kontakt aufgenommen.',
      name: 'Name',
      protocol: 'DHT-Protokoll',
      bootstrap: count => plural(count, 'Einstiegs-Peer', 'Einstiegs-Peers'),
      namespaces: 'Bekannt gegeben unter',
      unproven: 'Der Name ist, was sein Urheber sagt; jeder kann einem Netz jeden Namen geben.',
      missing: 'Füge den Link des Netzes ein oder öffne seine Datei; oder wähle eine andere Antwort.',
      locked: names => `Von ${names} gesetzt; diese Seite kann das nicht ändern.`
    },
    also: {
      title: 'Was das außerdem einschaltet',
      upnp: 'Portfreigabe an deinem Router',
      upnpText:
        'Bittet den Router, Ports an diesen Rechner weiterzuleiten, damit andere ihn erreichen. Wird zurückgenommen, wenn Waystation endet.',
      updates: 'Nach Updates suchen',
      updatesText:
        'Fragt einmal am Tag, ob es eine neue Version gibt. Wer sie anbietet, sieht dabei deine IP-Adresse.',
      login: 'Beim Anmelden starten',
      loginText: 'Im Hintergrund, ohne Fenster.',
      loginNone: 'Dieses System bietet der App keinen Start beim Anmelden.'
    },
    optIn: 'Zustimmen',
    notNow: 'Jetzt nicht',
    save: 'Speichern',
    saveRestart: 'Speichern und Knoten neu starten',
    restartNote:
      'Das braucht einen Neustart des Knotens: Laufende Circuits enden, und Peers reservieren von selbst neu.',
    back: 'Zurück',
    stop: 'Zustimmung zurücknehmen',
    agreed: 'Danke. Der Knoten startet.',
    changed: 'Gespeichert.',
    declined: 'Nichts wird weitergeleitet. Du kannst es jederzeit einschalten.',
    lockedEnabled: name =>
      `Ob dieser Knoten weiterleitet, wurde von ${name} gesetzt; diese Seite kann das nicht ändern.`
  }
})
