import './style/index.css'
import { render } from 'preact'
import { readConfig } from './model/config.ts'
import { Demo } from './model/demo.ts'
import { App } from './view/app.tsx'

const demo = new Demo(readConfig(new URLSearchParams(location.search)))
const app = document.getElementById('app')
if (app == null) throw new Error('index.html has no element with the id app')
render(<App demo={demo} />, app)
void demo.start()
